"""The hard pairs of a batch. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from embtune.catalog.entries.online_contrastive import OnlineContrastiveParameters
from embtune.catalog.formats import PAIR_BINARY
from embtune.catalog.spec import Coupling
from embtune.losses.distance import PAIR_OFFSET, row_distances
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.similarity import COSINE_FLOOR
from embtune.losses.views import request_columns


class OnlineContrastive(Objective):
    """Pull pairs labelled 1 together and push pairs labelled 0 apart, but only those on the wrong side of each other.

        loss = sum over i with y_i = 1 and d_i > min of all d with y = 0 of d_i^2
             + sum over i with y_i = 0 and d_i < max of all d with y = 1 of max(0, margin - d_i)^2

    Where a batch has one label alone, its mean distance takes the place of the other's extreme. A sum: its size depends
    on how many pairs are hard.

    Shapes: sentence_A and sentence_B (B, D), labels (B,) of 0 and 1.
    Parameters: `OnlineContrastiveParameters`; cosine distance, margin 0.5.
    Paper: none of its own; the contrastive loss of Hadsell, Chopra and LeCun 2006, doi:10.1109/CVPR.2006.100, on the
    hard pairs, as Sentence Transformers has it.
    Differs from Sentence Transformers: the number of hard pairs is logged.
    """

    def __init__(self, settings: OnlineContrastiveParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: OnlineContrastiveParameters, context: BuildContext) -> OnlineContrastive:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Which pairs are hard depends on all of them."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair."""
        return request_columns((PAIR_BINARY,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`online_contrastive`: the sum over hard pairs. Counts them."""
        left_BD, right_BD = batch.embedding("sentence_A"), batch.embedding("sentence_B")
        metric = self.settings.distance_metric
        distances_B = row_distances(metric, left_BD, right_BD, floor=COSINE_FLOOR, offset=PAIR_OFFSET)
        near_B = batch.known_labels().flatten() == 1
        hard_B = _hard(distances_B.detach(), near_B)
        costs_B = torch.where(near_B, distances_B, (self.settings.margin - distances_B).relu()).square()
        batch.count("hard_pairs", hard_B.sum(), needed=False)
        return {"online_contrastive": (costs_B * hard_B).sum()}


def _hard(distances_B: Tensor, near_B: Tensor) -> Tensor:
    """(B,) bool: pairs that shall be near and are farther than one that shall not, and the other way round."""
    near, far = distances_B[near_B], distances_B[~near_B]
    farthest_near = near.max() if len(near) else far.mean()
    nearest_far = far.min() if len(far) else near.mean()
    return torch.where(near_B, distances_B > nearest_far, distances_B < farthest_near)
