"""The modifier that makes the first numbers of an embedding good embeddings themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from embtune.catalog.spec import LossSpec, Paper, Parameters

Dim = Annotated[int, Field(ge=1, strict=True)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class MatryoshkaParameters(Parameters):
    """Which widths are trained, what each counts, and how many a step."""

    dims: tuple[Dim, ...] = Field(
        min_length=1,
        examples=[[384, 256, 128, 64]],
        description="Widths to train, in any order; name the model's full width too, or it is not trained.",
    )
    weights: tuple[Weight, ...] | None = Field(
        default=None, description="What each of dims counts, in their order; null for 1 each."
    )
    n_dims_per_step: int = Field(
        default=-1,
        ge=-1,
        strict=True,
        description="How many of dims a step draws at random; -1 trains all in each step.",
    )

    @field_validator("dims")
    @classmethod
    def _check_dims(cls, dims: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(dims)) != len(dims):
            raise ValueError("dims names a width twice")
        return dims

    @field_validator("n_dims_per_step")
    @classmethod
    def _check_dims_per_step(cls, count: int) -> int:
        if count == 0:
            raise ValueError("n_dims_per_step must be at least 1, or -1 for all")
        return count

    @model_validator(mode="after")
    def _check_lengths(self) -> MatryoshkaParameters:
        if self.weights is not None and len(self.weights) != len(self.dims):
            raise ValueError(f"weights has {len(self.weights)} numbers for {len(self.dims)} dims")
        if self.weights is not None and sum(self.weights) == 0:
            raise ValueError("weights are all 0, so nothing would be trained")
        if self.n_dims_per_step > len(self.dims):
            raise ValueError(f"n_dims_per_step is {self.n_dims_per_step}, but there are {len(self.dims)} dims")
        return self


SPECS = (
    LossSpec(
        name="MatryoshkaLoss",
        alias="matryoshka",
        purpose="Train the loss on shortened embeddings too, so that they can be cut to any of the dims later.",
        formula="loss = sum over d in dims of weight_d * loss( normalise( embeddings[:, :d] ) )",
        formats=(),
        parameters=MatryoshkaParameters,
        coupling=None,
        implementation="embtune.modifiers.matryoshka:Matryoshka",
        reduction="weighted sum over dims, not a mean",
        degenerate=("The full width alone: the loss on normalised embeddings.",),
        papers=(
            Paper("Matryoshka Representation Learning", "Kusupati et al.", 2022, "https://arxiv.org/abs/2205.13147"),
        ),
        is_modifier=True,
    ),
)
