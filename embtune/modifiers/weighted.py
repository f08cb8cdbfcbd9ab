"""Several losses as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from torch import Tensor, nn

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, Objective, Request


class WeightedSum(Objective):
    """Add losses, each by its weight.

        loss = sum_k weight_k * loss_k

    Rows interact when they do in one of the losses; every layer is embedded when one of them asks for it.
    A term that two losses have is told apart by the loss's place: `1.triplet` and `2.triplet`.
    """

    def __init__(self, losses: Sequence[tuple[Objective, float]]) -> None:
        super().__init__()
        self.losses = nn.ModuleList([loss for loss, _ in losses])
        self._weighted = tuple(losses)

    @property
    def coupling(self) -> Coupling:
        """ROWS when all losses are."""
        couplings = {loss.coupling for loss, _ in self._weighted}
        return Coupling.BATCH if Coupling.BATCH in couplings else Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """Every view that some loss wants, once."""
        requests = [loss.request(roles) for loss, _ in self._weighted]
        views = dict.fromkeys(view for request in requests for view in request.views)
        targets = dict.fromkeys(view for request in requests for view in request.targets)
        return Request(tuple(views), any(request.every_layer for request in requests), tuple(targets))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of all losses, weighted."""
        found = [
            (place, name, weight * value)
            for place, (loss, weight) in enumerate(self._weighted, start=1)
            for name, value in loss.terms(_its_own(loss, batch)).items()
        ]
        uses = Counter(name for _, name, _ in found)
        return {name if uses[name] == 1 else f"{place}.{name}": value for place, name, value in found}


def _its_own(loss: Objective, batch: Batch) -> Batch:
    """What the loss asked for, without what the others did: it may look for its only view of a tower."""
    return batch.only(loss.request(batch.roles)) if batch.roles else batch
