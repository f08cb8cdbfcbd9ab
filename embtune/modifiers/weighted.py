"""Several losses as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from torch import Tensor, nn

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, Count, Objective, Request
from embtune.losses.softness import Softness
from embtune.modifiers.in_parts import terms_in_parts

T = TypeVar("T")


class WeightedSum(Objective):
    """Add losses, each by its weight.

        loss = sum_k weight_k * loss_k

    Rows interact when they do in one of the losses; every layer is embedded when one of them asks for it.
    A term or count that two losses have is told apart by the loss's place: `1.triplet` and `2.triplet`.
    A decoder beside a loss whose rows interact writes the texts of some rows at a time.
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
        terms: list[dict[str, Tensor]] = []
        counts: list[dict[str, Count]] = []
        softness: list[dict[str, Softness]] = []
        for loss, weight in self._weighted:
            own = _its_own(loss, batch)
            found = self._terms_of(loss, own)
            terms.append({name: weight * value for name, value in found.items()})
            counts.append(own.counts)
            softness.append(own.softness)
        # a modifier scores the batch several times, and the first counts
        batch.counts.update(_told_apart(counts) | batch.counts)
        batch.softness.update(_told_apart(softness) | batch.softness)
        return _told_apart(terms)

    def _terms_of(self, loss: Objective, batch: Batch) -> dict[str, Tensor]:
        """In parts where the loss alone would be given some rows at a time, and its targets make that matter."""
        in_parts = bool(batch.targets) and loss.coupling is Coupling.ROWS and self.coupling is Coupling.BATCH
        return terms_in_parts(loss, batch) if in_parts else loss.terms(batch)


def _its_own(loss: Objective, batch: Batch) -> Batch:
    """What the loss asked for, without what the others did: it may look for its only view of a tower."""
    own = replace(batch, counts={}, softness={})
    return own.only(loss.request(batch.roles)) if batch.roles else own


def _told_apart(of_losses: Sequence[Mapping[str, T]]) -> dict[str, T]:
    """All in one, with its place from 1 before a name that several losses have."""
    uses = Counter(name for named in of_losses for name in named)
    return {
        name if uses[name] == 1 else f"{place}.{name}": value
        for place, named in enumerate(of_losses, start=1)
        for name, value in named.items()
    }
