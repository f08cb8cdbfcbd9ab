"""A triplet for each two texts of a class. Legend: B rows, R anchors of a block, C classes, D width."""

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


class BatchSemiHardTriplet(Objective):
    """Push the texts of other classes that come next after a positive beyond it, by a margin.

        loss = mean over (a, p) of max( 0, d(a, p) - d(a, n) + margin )

    (a, p): ordered pairs of rows of a class. n: of the rows of other classes with d(a, n) > d(a, p) the nearest;
    without one the farthest of all, and without any other class a row at distance 0.

    Shapes: text (B, D), labels (B,) classes.
    Parameters: `MarginMiningParameters`; margin 5 for unnormalised embeddings, 0.1 to 0.5 with cosine.
    Paper: Schroff et al. 2015 (FaceNet), arXiv:1503.03832.
    Differs from FaceNet, as Sentence Transformers does: distances are not squared. Differs from Sentence Transformers:
    memory is linear in B, and the number of triplets is logged.
    """

    def __init__(self, settings: MarginMiningParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: MarginMiningParameters, context: BuildContext) -> BatchSemiHardTriplet:
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
        """`batch_semi_hard_triplet`: the mean over pairs. Counts the triplets, and those that break the margin."""
        sizes_C = class_sizes(batch.known_labels())
        pairs_C = sizes_C * (sizes_C - 1)
        mined = mine(batch, self.settings.distance_metric, self._costs)
        batch.count("valid_triplets", pairs_C[sizes_C < batch.size].sum())
        batch.count("active_triplets", mined.active, needed=False)
        return {"batch_semi_hard_triplet": mined.cost / pairs_C.sum().clamp_min(1)}

    def _costs(self, anchors: Anchors) -> Mined:
        costs_RB = anchors.distances_RB - _semi_hard(anchors) + self.settings.margin
        costs_RB = costs_RB.relu().masked_fill(~anchors.positive_RB, 0)
        return Mined(costs_RB.sum(), (anchors.complete()[:, None] & (costs_RB > 0)).sum())


def _semi_hard(anchors: Anchors) -> Tensor:
    """(R, B) the distance to the negative that goes with each row as the anchor's positive."""
    sorted_RB = anchors.distances_RB.masked_fill(~anchors.negative_RB, torch.inf).sort(dim=1).values
    farther_RB = torch.searchsorted(sorted_RB.detach(), anchors.distances_RB.detach(), right=True)
    farthest_R1 = anchors.negative_RB.sum(dim=1, keepdim=True) - 1
    chosen_RB = sorted_RB.gather(1, torch.minimum(farther_RB, farthest_R1.clamp_min(0)))
    return torch.where(farthest_R1 < 0, 0.0, chosen_RB)
