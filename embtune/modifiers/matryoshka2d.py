"""Models and embeddings that can both be cut short."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from embtune.catalog.entries.matryoshka2d import Matryoshka2dParameters
from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.modifiers.adaptive_layer import AdaptiveLayer
from embtune.modifiers.matryoshka import Matryoshka


class Matryoshka2d(Objective):
    """Train the loss on shortened embeddings and after inner layers: an AdaptiveLayer around a Matryoshka.

    Dims are drawn by each layer for itself; the divergence between layers is that of the full width.

    Terms: `<term>@<dim>` after the final layer, `<term>@<dim>@layers`, and `kl@layers`.
    Parameters: `Matryoshka2dParameters`; one layer and one dim a step, as in the paper.
    Paper: Li et al. 2024, arXiv:2402.14776.
    """

    def __init__(self, composed: AdaptiveLayer) -> None:
        super().__init__()
        self.composed = composed

    @classmethod
    def build(
        cls, parameters: Matryoshka2dParameters, context: BuildContext, inner: Callable[[BuildContext], Objective]
    ) -> Matryoshka2d:
        """Both modifiers around one inner loss for each dim.

        Raises:
            ConfigError: there are no inner layers, or a dim is wider than the model's embeddings.
        """

        def in_dims(context: BuildContext) -> Objective:
            return Matryoshka.build(parameters, context, inner)

        return cls(AdaptiveLayer.build(parameters, context, in_dims))

    @property
    def coupling(self) -> Coupling:
        """That of the inner loss."""
        return self.composed.coupling

    def request(self, roles: Sequence[str]) -> Request:
        """What the inner loss wants, after every layer."""
        return self.composed.request(roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Those of the composition."""
        return self.composed.terms(batch)
