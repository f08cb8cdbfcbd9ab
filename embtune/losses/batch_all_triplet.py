"""All triplets of a batch. Legend: B rows, R anchors of a block, C classes, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from embtune.catalog.entries.batch_triplets import MarginMiningParameters
from embtune.catalog.formats import TEXT_CLASS
from embtune.catalog.spec import Coupling
from embtune.losses.mining import Anchors, Mined, class_sizes, mine
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.views import request_columns


class BatchAllTriplet(Objective):
    """Bring texts of a class together and away from others, over every triplet that breaks the margin.

        loss = sum over (a, p, n) of max( 0, d(a, p) - d(a, n) + margin ) / number of its terms above 0

    (a, p): ordered pairs of rows of a class; n: rows of other classes. A triplet costs something when n is within reach
    of p, d(a, n) < d(a, p) + margin. So a distance to a positive counts as often as it reaches a negative, and one to a
    negative as often, with a minus sign, as a positive reaches it: the (B, B, B) costs are never made, and sorting each
    anchor's distances counts both.

    Shapes: text (B, D), labels (B,) classes.
    Parameters: `MarginMiningParameters`; margin 5 for unnormalised embeddings, 0.1 to 0.5 with cosine.
    Paper: Hermans et al. 2017, arXiv:1703.07737, with the mean over non-zero terms.
    Differs from Sentence Transformers: memory is linear in B, and the number of triplets is logged.
    """

    def __init__(self, settings: MarginMiningParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: MarginMiningParameters, context: BuildContext) -> BatchAllTriplet:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """Every row is compared with all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """One text a row."""
        return request_columns((TEXT_CLASS,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`batch_all_triplet`: the mean over active triplets. Counts all triplets, and the active ones."""
        sizes_C = class_sizes(batch.known_labels())
        mined = mine(batch, self.settings.distance_metric, self._costs)
        batch.count("valid_triplets", (sizes_C * (sizes_C - 1) * (batch.size - sizes_C)).sum())
        batch.count("active_triplets", mined.active, needed=False)
        return {"batch_all_triplet": mined.cost / mined.active.clamp_min(1)}

    def _costs(self, anchors: Anchors) -> Mined:
        reaches_RB = anchors.distances_RB + self.settings.margin
        reaching_RB, reached_RB = _within_reach(anchors, reaches_RB.detach())
        cost = (reaching_RB * reaches_RB - reached_RB * anchors.distances_RB).sum()
        return Mined(cost, reaching_RB.sum())


def _within_reach(anchors: Anchors, reaches_RB: Tensor) -> tuple[Tensor, Tensor]:
    """(R, B) int64 each: negatives that a positive reaches, positives that reach a negative; 0 for all other rows."""
    distances_RB, positive_RB, negative_RB = anchors.distances_RB.detach(), anchors.positive_RB, anchors.negative_RB
    sorted_negatives_RB = distances_RB.masked_fill(~negative_RB, torch.inf).sort(dim=1).values
    sorted_reaches_RB = reaches_RB.masked_fill(~positive_RB, torch.inf).sort(dim=1).values
    reaching_RB = torch.searchsorted(sorted_negatives_RB, reaches_RB)
    too_short_RB = torch.searchsorted(sorted_reaches_RB, distances_RB, right=True)
    reached_RB = positive_RB.sum(dim=1, keepdim=True) - too_short_RB
    return reaching_RB * positive_RB, reached_RB * negative_RB
