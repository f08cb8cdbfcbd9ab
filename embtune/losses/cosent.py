"""Ordering scored pairs. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from embtune.catalog.entries.cosent import CoSENTParameters
from embtune.catalog.formats import PAIR_SCORE
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.similarity import row_similarities, widest_spread
from embtune.losses.softness import softness
from embtune.losses.views import request_columns


class CoSENT(Objective):
    """Put pairs in the order of their scores: the higher the score, the nearer the two texts.

        loss = log( 1 + sum over (i, j) with y_i < y_j of exp( scale * (sim_i - sim_j) ) )

    Only the order of scores counts; equal scores are not compared. Not a mean: it grows with the batch.

    Shapes: sentence_A and sentence_B (B, D), labels (B,).
    Parameters: `CoSENTParameters`; scale 20 with cosine.
    Paper: Huang et al. 2024, doi:10.1109/TASLP.2024.3402087.
    Differs from the paper, as Sentence Transformers does: O(B log B) by sorting, without a table of all pairs.
    """

    def __init__(self, settings: CoSENTParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: CoSENTParameters, context: BuildContext) -> CoSENT:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every row is compared with all rows of another score."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair."""
        return request_columns((PAIR_SCORE,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`cosent`: one number for the batch; 0 where all labels are equal."""
        left_BD, right_BD = batch.embedding("sentence_A"), batch.embedding("sentence_B")
        similarity, scale = self.settings.similarity_fct, self.settings.scale
        scores_B = scale * row_similarities(similarity, left_BD, right_BD)
        cost, compared = log_of_inversions(scores_B, batch.known_labels().flatten())
        batch.decided("cosent", softness(cost, compared + 1, widest_spread(similarity) * scale))
        return {"cosent": cost}


def log_of_inversions(scores_B: Tensor, labels_B: Tensor) -> tuple[Tensor, Tensor]:
    """log(1 + sum over pairs with labels_i < labels_j of exp(scores_i - scores_j)), and how many pairs; scalars."""
    labels_B, order = labels_B.sort(stable=True)
    scores_B = scores_B[order]
    first_higher_B = torch.searchsorted(labels_B, labels_B, right=True)  # B where no label is higher
    log_sums_B = torch.logcumsumexp(-scores_B.flip(0), dim=0).flip(0)  # over all rows from this one on
    log_sums = torch.cat([log_sums_B, scores_B.new_full((1,), -torch.inf)])
    one = scores_B.new_zeros(1)  # the 1 in log(1 + ...)
    cost = torch.logsumexp(torch.cat([one, scores_B + log_sums[first_higher_B]]), dim=0)
    return cost, (len(labels_B) - first_higher_B).sum()
