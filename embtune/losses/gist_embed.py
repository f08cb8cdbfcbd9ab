"""Ranking against a batch that a guide has looked through.

Legend: B rows, R rows of a block, D width, G the guide's width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from embtune.catalog.choices import MarginStrategy, Similarity
from embtune.catalog.entries.gist_embed import GISTEmbedParameters
from embtune.catalog.formats import N_TUPLE, PAIR
from embtune.catalog.spec import Coupling
from embtune.losses.nested_softmax import NestedWidths, nested_cross_entropy_sums, products_take_the_time
from embtune.losses.objective import Batch, BuildContext, Objective, Request, guide_tower
from embtune.losses.row_softmax import (
    Adjust,
    Comparison,
    Softmax,
    cross_entropy_sum,
    leave_out,
    leave_out_own,
    own_logits,
)
from embtune.losses.similarity import COSINE_FLOOR, unit_vectors, widest_spread
from embtune.losses.softness import softness
from embtune.losses.views import frozen_columns, negative_roles, request_columns

_TERM = "gist_embed"
_ANCHORS, _POSITIVES = 0, 1  # tables; the negatives follow
_KEPT = -math.inf  # a cosine that is above no threshold
_SAME = 1e-6  # similarities nearer than float32 can tell apart are equal, and an equal one is not above the threshold


class GISTEmbed(Objective, NestedWidths):
    """Rank each anchor's positive above the texts of the batch, but for those that a guide finds as near or nearer.

        loss = mean_i log( 1 + sum_j exp( (cos(x_i, d_j) - cos(a_i, p_i)) / temperature ) )

    (x_i, d_j) are: a_i with the positives of other rows, with the anchors of other rows (`contrast_anchors`) and with
    all negatives; p_i with the positives of other rows (`contrast_positives`). A pair is left out where the guide's
    cosine of it is greater than t_i = g_i - margin (absolute) or g_i - margin * |g_i| (relative), where g_i is the
    guide's cosine of a_i and p_i.

    Shapes: anchor, positive and any number of negatives (B, D), and the same by the guide (B, G); a negative that a row
    lacks is nobody's candidate. The guide's are never cut, whatever a modifier does to the model's.
    Parameters: `GISTEmbedParameters`; temperature 0.01.
    Paper: Solatorio 2024, arXiv:2402.16829; margins: Moreira et al. 2024, arXiv:2407.15831.
    Differs from Sentence Transformers: memory is linear in B; any number of negatives; no text is ever compared with
    itself, which happens there where a guide gives the pair of a row cosine 1.
    """

    def __init__(self, settings: GISTEmbedParameters) -> None:
        super().__init__()
        self.settings = settings
        self._tower = guide_tower(settings.guide)

    @classmethod
    def build(cls, parameters: GISTEmbedParameters, context: BuildContext) -> GISTEmbed:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every row is scored against all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor, positive and the negatives, all of them by the guide too."""
        request = request_columns((PAIR, N_TUPLE), roles)
        return frozen_columns(request, self._tower, [view.role for view in request.views])

    def nests(self, batch: Batch) -> bool:
        """Similarities are cosines whatever the settings."""
        return products_take_the_time(batch.embedding("anchor"))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`gist_embed`: the mean over rows."""
        roles = _roles(batch)
        tables = [unit_vectors(batch.embedding(role), COSINE_FLOOR) for role in roles]
        softmaxes, scale = [self._softmax(batch, roles)], 1 / self.settings.temperature
        total = cross_entropy_sum(softmaxes, tables, Similarity.COSINE, scale, batch.row_block, batch.sharing)
        mean = total / len(tables[0])
        self._report(batch, mean, softmaxes[0])
        return {_TERM: mean}

    def nested_terms(self, batch: Batch, weights: Mapping[int, float]) -> dict[int, dict[str, Tensor]]:
        """The same for each width; the guide is not cut."""
        roles = _roles(batch)
        tables = [batch.embedding(role) for role in roles]
        softmaxes, scale = [self._softmax(batch, roles)], 1 / self.settings.temperature
        totals = nested_cross_entropy_sums(softmaxes, tables, weights, scale, batch.row_block, batch.sharing)
        means = (totals / len(tables[0])).unbind()
        self._report(batch, means[0] / next(iter(weights.values())), softmaxes[0])
        return {width: {_TERM: mean} for width, mean in zip(weights, means, strict=True)}

    def _report(self, batch: Batch, mean: Tensor, softmax: Softmax) -> None:
        candidates = batch.size * len(softmax)  # at most: the guide leaves some out
        spread = widest_spread(Similarity.COSINE) / self.settings.temperature
        batch.decided(_TERM, softness(mean, candidates, spread))

    def _softmax(self, batch: Batch, roles: Sequence[str]) -> Softmax:
        of_guide = [unit_vectors(batch.frozen_embedding(role, self._tower), COSINE_FLOOR) for role in roles]
        limits_B = self._limits((of_guide[_ANCHORS] * of_guide[_POSITIVES]).sum(dim=1))
        return [
            Comparison(left, right, tuple(self._adjust(left, right, of_guide, limits_B, batch.mask(roles[right]))))
            for left, right in self._pairs(len(roles))
        ]

    def _pairs(self, roles: int) -> Iterator[tuple[int, int]]:
        """The tables compared, the one with the right answers first."""
        yield _ANCHORS, _POSITIVES
        if self.settings.contrast_anchors:
            yield _ANCHORS, _ANCHORS
        if self.settings.contrast_positives:
            yield _POSITIVES, _POSITIVES
        yield from ((_ANCHORS, negatives) for negatives in range(_POSITIVES + 1, roles))

    def _adjust(
        self, left: int, right: int, of_guide: list[Tensor], limits_B: Tensor, there_B: Tensor | None
    ) -> Iterator[Adjust]:
        own = _KEPT if (left, right) == (_ANCHORS, _POSITIVES) else None
        yield partial(_leave_out_near, of_guide[left], of_guide[right], limits_B, own)
        if left == right:
            yield leave_out_own
        if there_B is not None:
            yield partial(leave_out, ~there_B)

    def _limits(self, pairs_B: Tensor) -> Tensor:
        """(B,) the guide's similarity above which a text is no negative of a row."""
        relative = self.settings.margin_strategy is MarginStrategy.RELATIVE
        return pairs_B - self.settings.margin * (pairs_B.abs() if relative else 1) + _SAME


def _leave_out_near(
    left_BG: Tensor, right_BG: Tensor, limits_B: Tensor, own: float | None, block: slice, tile_RB: Tensor
) -> None:
    """Leave out what the guide finds nearer than a row's limit; `own` stands in for its cosine of a row's own pair."""
    cosines_RB = left_BG[block] @ right_BG.T
    if own is not None:
        own_logits(block, cosines_RB).fill_(own)
    tile_RB.masked_fill_(cosines_RB > limits_B[block, None], -torch.inf)


def _roles(batch: Batch) -> tuple[str, ...]:
    return ("anchor", "positive", *negative_roles(batch))
