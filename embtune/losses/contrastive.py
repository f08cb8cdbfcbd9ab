"""Near if 1, beyond a margin if 0. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from embtune.catalog.entries.contrastive import ContrastiveParameters
from embtune.catalog.formats import PAIR_BINARY
from embtune.catalog.spec import Coupling
from embtune.losses.distance import PAIR_OFFSET, row_distances
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.similarity import COSINE_FLOOR
from embtune.losses.views import request_columns


class Contrastive(Objective):
    """Pull pairs labelled 1 together, push pairs labelled 0 apart until they are a margin away.

        loss = mean_i 1/2 [ y_i d_i^2 + (1 - y_i) max(0, margin - d_i)^2 ]

    Shapes: sentence_A and sentence_B (B, D), labels (B,) of 0 and 1.
    Parameters: `ContrastiveParameters`; cosine distance, margin 0.5; `size_average: false` sums over rows.
    Paper: Hadsell, Chopra and LeCun 2006, doi:10.1109/CVPR.2006.100, where 1 means dissimilar.
    Differs from Sentence Transformers: labels may be boolean.
    """

    def __init__(self, settings: ContrastiveParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: ContrastiveParameters, context: BuildContext) -> Contrastive:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """A mean or sum over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """The two sentences of a pair."""
        return request_columns((PAIR_BINARY,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`contrastive`: the mean over rows, or their sum."""
        left_BD, right_BD = batch.embedding("sentence_A"), batch.embedding("sentence_B")
        metric = self.settings.distance_metric
        distances_B = row_distances(metric, left_BD, right_BD, floor=COSINE_FLOOR, offset=PAIR_OFFSET)
        labels_B = batch.known_labels().flatten().to(distances_B.dtype)
        apart_B = (self.settings.margin - distances_B).relu()
        losses_B = 0.5 * (labels_B * distances_B.square() + (1 - labels_B) * apart_B.square())
        return {"contrastive": batch.mean(losses_B) if self.settings.size_average else losses_B.sum()}
