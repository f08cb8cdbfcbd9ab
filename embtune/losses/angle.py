"""Ordering scored pairs by an angle. Legend: P pairs, B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.formats import N_TUPLE, PAIR_SCORE, TRIPLET
from embtune.catalog.scaled import Scaled
from embtune.catalog.spec import Coupling
from embtune.losses.cosent import log_of_inversions
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.similarity import unit_vectors
from embtune.losses.softness import softness
from embtune.losses.views import absent_texts, negative_roles, request_columns

_WIDEST = 2**0.5  # similarity, where the smallest is 0


class AnglE(Objective):
    """Put pairs in the order of their scores, near pairs by an angle in complex space, not by a cosine that saturates.

        loss = log( 1 + sum over (i, j) with y_i < y_j of exp( scale * (sim_i - sim_j) ) )
        sim = | cos(a, b) + sum( a2 * b1 - a1 * b2 ) |,  a = (a1, a2) and b = (b1, b2) of length 1, cut in halves

    Of a triplet or n-tuple each text is paired with the anchor: the positive scores 1, a negative 0. Not symmetric in a
    and b, and not a mean: it grows with the batch.

    Shapes: sentence_A and sentence_B (B, D) with labels (B,); or anchor, positive and negatives (B, D).
    Parameters: `Scaled`; scale 20.
    Paper: Li and Li 2024, arXiv:2309.12871, whose equation 3 has the subtraction the other way round; this follows the
    authors' code.
    Differs from Sentence Transformers: rows may differ in their number of negatives, and tuples bring no label of their
    own; there one may be given that takes the place of the positive's 1.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    @classmethod
    def build(cls, parameters: Scaled, context: BuildContext) -> AnglE:
        """The loss; it needs nothing of the model."""
        return cls(parameters.scale)

    @property
    def coupling(self) -> Coupling:
        """Every pair is compared with all pairs of another score."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair, or an anchor, its positive and its negatives."""
        return request_columns((PAIR_SCORE, TRIPLET, N_TUPLE), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`angle`: one number for the batch; 0 where all labels are equal."""
        negatives = negative_roles(batch)
        if negatives:
            near_P, labels_P = self._tuples(batch, ("positive", *negatives))
        else:
            near_P = angle_similarities(batch.embedding("sentence_A"), batch.embedding("sentence_B"))
            labels_P = batch.known_labels().flatten()
        cost, compared = log_of_inversions(self.scale * near_P, labels_P)
        batch.decided("angle", softness(cost, compared + 1, _WIDEST * self.scale))
        return {"angle": cost}

    def _tuples(self, batch: Batch, roles: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(P,) similarities and labels of the anchor with each text that is there, role after role."""
        anchor_BD = batch.embedding("anchor")
        near_P = torch.cat([angle_similarities(anchor_BD, batch.embedding(role)) for role in roles])
        labels_P = torch.zeros_like(near_P)
        labels_P[: len(anchor_BD)] = 1
        absent_P = absent_texts(batch, roles)
        return (near_P, labels_P) if absent_P is None else (near_P[~absent_P], labels_P[~absent_P])


def angle_similarities(left_BD: Tensor, right_BD: Tensor) -> Tensor:
    """(B,) similarities, 0 to sqrt(2), row with row; an odd width gets a zero at the end."""
    odd = left_BD.shape[1] % 2
    left_BD, right_BD = (unit_vectors(F.pad(side_BD, (0, odd))) for side_BD in (left_BD, right_BD))
    (left_1, left_2), (right_1, right_2) = left_BD.chunk(2, dim=1), right_BD.chunk(2, dim=1)
    cosines_B = (left_BD * right_BD).sum(dim=1)
    sines_B = (left_2 * right_1 - left_1 * right_2).sum(dim=1)
    return (cosines_B + sines_B).abs()
