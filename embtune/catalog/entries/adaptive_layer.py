"""The modifier that makes the model good after any of its layers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from embtune.catalog.choices import LayerWeighting
from embtune.catalog.spec import LossSpec, Need, Paper, Parameters

Factor = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class AdaptiveLayerParameters(Parameters):
    """How many inner layers a step trains, what they count, and how they learn from the final one."""

    n_layers_per_step: int = Field(
        default=1,
        ge=-1,
        strict=True,
        description="How many inner layers a step draws at random; -1, or as many as there are, trains all.",
    )
    last_layer_weight: Factor = Field(default=1.0, description="Factor on the loss after the final layer.")
    prior_layers_weight: Factor = Field(
        default=1.0, description="Factor on the mean loss after the inner layers of the step."
    )
    kl_div_weight: Factor = Field(
        default=1.0, description="Factor on the divergence of inner layers' embeddings from the final layer's."
    )
    kl_temperature: Factor = Field(
        default=0.3, description="Temperature at which embeddings are compared as distributions; 0 compares none."
    )
    layer_weighting: LayerWeighting = Field(
        default=LayerWeighting.UNIFORM,
        description="What inner layers count beside one another: deeper ones less, or alike.",
    )

    @field_validator("n_layers_per_step")
    @classmethod
    def _check_layers_per_step(cls, count: int) -> int:
        if count == 0:
            raise ValueError("n_layers_per_step must be at least 1, or -1 for all")
        return count

    @model_validator(mode="after")
    def _check_weights(self) -> AdaptiveLayerParameters:
        if self.last_layer_weight == self.prior_layers_weight == 0:
            raise ValueError("last_layer_weight and prior_layers_weight are both 0, so the loss would not be trained")
        return self


TWO_DIMENSIONS = Paper("2D Matryoshka Sentence Embeddings", "Li et al.", 2024, "https://arxiv.org/abs/2402.14776")

SPECS = (
    LossSpec(
        name="AdaptiveLayerLoss",
        alias="adaptive-layer",
        purpose="Train the loss after inner layers too, so that layers can be left out later.",
        formula=(
            "loss = last_layer_weight * loss(E_L)\n"
            "     + prior_layers_weight * mean over i in S of w(i) * loss(E_i)\n"
            "     + kl_div_weight * T * sum_S KL( softmax(E_L/T) || softmax(E_i/T) )\n"
            "E_i: embeddings after layer i; S: drawn from 0..L-1; T: kl_temperature"
        ),
        formats=(),
        parameters=AdaptiveLayerParameters,
        coupling=None,
        implementation="embtune.modifiers.adaptive_layer:AdaptiveLayer",
        reduction="final layer + mean over the step's inner layers + their divergences, each a mean over texts",
        degenerate=("A model without inner layers (static) is refused.",),
        papers=(TWO_DIMENSIONS,),
        needs=frozenset({Need.LAYERS}),
        is_modifier=True,
    ),
)
