"""The hardest triplet of each text. Legend: B rows, R anchors of a block, C classes, D width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.choices import Distance
from embtune.catalog.entries.batch_triplets import MarginMiningParameters, MiningParameters
from embtune.catalog.formats import TEXT_CLASS
from embtune.catalog.spec import Coupling
from embtune.losses.mining import Anchors, Mined, class_sizes, mine
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.views import request_columns


class BatchHardTriplet(Objective):
    """Bring each text nearer to the farthest of its class than to the nearest of another.

        with a margin:     loss = mean_a max( 0, max_p d(a, p) - min_n d(a, n) + margin )
        with a soft one:   loss = mean_a log( 1 + exp( max_p d(a, p) - min_n d(a, n) ) )

    p: other rows of a's class; without one the first distance is 0. n: rows of other classes; without one the two
    distances count as equal.

    Shapes: text (B, D), labels (B,) classes.
    Parameters: `MarginMiningParameters`, or `MiningParameters` for the soft margin.
    Paper: Hermans et al. 2017, arXiv:1703.07737.
    Differs from Sentence Transformers: memory is linear in B, and the number of triplets is logged.
    """

    def __init__(self, metric: Distance, margin: float | None) -> None:
        """Without a margin it is soft."""
        super().__init__()
        self.metric = metric
        self.margin = margin

    @classmethod
    def build(cls, parameters: MiningParameters, context: BuildContext) -> BatchHardTriplet:
        """The loss; it needs nothing of the model."""
        margin = parameters.margin if isinstance(parameters, MarginMiningParameters) else None
        return cls(parameters.distance_metric, margin)

    @property
    def coupling(self) -> Coupling:
        """Every row is compared with all others."""
        return Coupling.BATCH

    def request(self, roles: Sequence[str]) -> Request:
        """One text a row."""
        return request_columns((TEXT_CLASS,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`batch_hard_triplet` or `batch_hard_soft_margin_triplet`: the mean over rows.

        Counts the anchors that have a triplet; with a margin also those whose triplet breaks it.
        """
        sizes_C, rows = class_sizes(batch.known_labels()), batch.size
        mined = mine(batch, self.metric, self._costs)
        batch.count("valid_triplets", sizes_C[(sizes_C > 1) & (sizes_C < rows)].sum())
        if self.margin is None:
            return {"batch_hard_soft_margin_triplet": mined.cost / rows}
        batch.count("active_triplets", mined.active, needed=False)
        return {"batch_hard_triplet": mined.cost / rows}

    def _costs(self, anchors: Anchors) -> Mined:
        farthest_R = anchors.distances_RB.masked_fill(~anchors.positive_RB, 0).amax(dim=1)
        nearest_R = anchors.distances_RB.masked_fill(~anchors.negative_RB, torch.inf).amin(dim=1)
        gap_R = farthest_R - torch.where(nearest_R.isinf(), farthest_R, nearest_R)
        costs_R = F.softplus(gap_R) if self.margin is None else (gap_R + self.margin).relu()
        return Mined(costs_R.sum(), (anchors.complete() & (costs_R > 0)).sum())
