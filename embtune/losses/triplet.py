"""A margin between near and far. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from embtune.catalog.entries.triplet import TripletParameters
from embtune.catalog.formats import TRIPLET
from embtune.catalog.spec import Coupling
from embtune.losses.distance import row_distances
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.views import negative_roles, request_columns


class Triplet(Objective):
    """Bring the anchor nearer to its positive than to its negative, by a margin.

        loss = mean_i max( 0, d(a_i, p_i) - d(a_i, n_i) + triplet_margin )

    Shapes: anchor, positive and negative (B, D).
    Parameters: `TripletParameters`; margin 5 for unnormalised embeddings, 0.1 to 0.5 with cosine.
    Paper: Schroff et al. 2015 (FaceNet), arXiv:1503.03832; Hermans et al. 2017, arXiv:1703.07737.
    Differs from FaceNet, as Sentence Transformers does: distances are not squared, and no triplets are mined.
    """

    def __init__(self, settings: TripletParameters) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def build(cls, parameters: TripletParameters, context: BuildContext) -> Triplet:
        """The loss; it needs nothing of the model."""
        return cls(parameters)

    @property
    def coupling(self) -> Coupling:
        """A mean over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """Anchor, positive and one negative."""
        return request_columns((TRIPLET,), roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`triplet`: the mean over rows."""
        (negative,) = negative_roles(batch)
        anchor_BD, metric = batch.embedding("anchor"), self.settings.distance_metric
        to_positive_B = row_distances(metric, anchor_BD, batch.embedding("positive"))
        to_negative_B = row_distances(metric, anchor_BD, batch.embedding(negative))
        return {"triplet": batch.mean((to_positive_B - to_negative_B + self.settings.triplet_margin).relu())}
