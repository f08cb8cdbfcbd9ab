"""Two copies of the model against each other. Legend: B rows, D width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.entries.contrastive_tension import ContrastiveTensionParameters
from embtune.catalog.formats import PAIR_BINARY, TEXT
from embtune.catalog.spec import Coupling
from embtune.losses.objective import MAIN_TOWER, TWIN_TOWER, Batch, BuildContext, Objective, Request, View
from embtune.losses.views import by_tower, request_columns


class ContrastiveTension(Objective):
    """Two copies of the model agree on equal texts and disagree on different ones.

        loss = sum_i binary_cross_entropy( sigmoid( twin(a_i) . model(b_i) ), y_i ),  y_i = 1 where a_i == b_i

    The copies start equal and are both trained; only the model is kept. With plain texts one pair in eight is of a text
    with itself, and pairs are made anew in every step.

    Shapes: two views (B, D), one a tower; labels (B,) 1 for equal texts, else 0.
    Paper: Carlsson et al. 2021 (ICLR), https://openreview.net/forum?id=Ov_sMNau-PF.
    Differs from Sentence Transformers: pairs are made here, the twin's dropout is active, and both copies are clipped,
    checkpointed and reach every modifier.
    """

    @classmethod
    def build(cls, parameters: ContrastiveTensionParameters, context: BuildContext) -> ContrastiveTension:
        """The loss; it needs nothing of the model but its twin."""
        return cls()

    @property
    def coupling(self) -> Coupling:
        """A sum over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """The left texts by the twin, the right ones by the model; plain texts are paired before they are embedded."""
        views = request_columns((TEXT, PAIR_BINARY), roles).views
        return Request((View(views[0].role, TWIN_TOWER), View(views[-1].role, MAIN_TOWER)))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`contrastive_tension`: the sum over rows."""
        logits = (by_tower(batch, TWIN_TOWER) * by_tower(batch, MAIN_TOWER)).sum(dim=-1)
        labels = batch.known_labels().flatten().to(logits.dtype)
        return {"contrastive_tension": F.binary_cross_entropy_with_logits(logits, labels, reduction="sum")}
