"""The modifier that makes the first numbers of an embedding good embeddings after any layer."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.entries.adaptive_layer import TWO_DIMENSIONS, AdaptiveLayerParameters
from embtune.catalog.entries.matryoshka import MatryoshkaParameters
from embtune.catalog.spec import LossSpec, Need


class Matryoshka2dParameters(MatryoshkaParameters, AdaptiveLayerParameters):
    """Those of both modifiers; a step draws one dim for each layer it trains."""

    n_dims_per_step: int = Field(
        default=1,
        ge=-1,
        strict=True,
        description="How many of dims a step draws at random for each layer it trains; -1 trains all.",
    )


SPECS = (
    LossSpec(
        name="Matryoshka2dLoss",
        alias="matryoshka2d",
        purpose="Train the loss on shortened embeddings and after inner layers, so that both can be cut later.",
        formula=(
            "loss = AdaptiveLayerLoss( MatryoshkaLoss( loss ) )\n"
            "dims are drawn anew for each layer; the divergence is that of the full width"
        ),
        formats=(),
        parameters=Matryoshka2dParameters,
        coupling=None,
        implementation="embtune.modifiers.matryoshka2d:Matryoshka2d",
        reduction="as in AdaptiveLayerLoss, of a weighted sum over dims",
        degenerate=("A model without inner layers (static) is refused.",),
        papers=(TWO_DIMENSIONS,),
        needs=frozenset({Need.LAYERS}),
        is_modifier=True,
    ),
)
