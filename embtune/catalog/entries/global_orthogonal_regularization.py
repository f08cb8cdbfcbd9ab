"""Any texts: embeddings of different rows shall be as orthogonal as random vectors are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from embtune.catalog.choices import Aggregation, Similarity
from embtune.catalog.formats import ANY
from embtune.catalog.spec import Coupling, LossSpec, Paper, Parameters

_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class GlobalOrthogonalRegularizationParameters(Parameters):
    """Which similarity, and how much each of the two moments counts."""

    similarity_fct: Similarity = Field(default=Similarity.COSINE, description="How two texts of a column are compared.")
    mean_weight: _Weight | None = Field(default=1.0, description="Factor on the squared mean; null or 0 leaves it out.")
    second_moment_weight: _Weight | None = Field(
        default=1.0, description="Factor on the second moment beyond 1/width; null or 0 leaves it out."
    )
    aggregation: Aggregation = Field(
        default=Aggregation.MEAN, description="Whether the columns of a row are averaged or added."
    )

    @model_validator(mode="after")
    def _check_something_is_left(self) -> GlobalOrthogonalRegularizationParameters:
        if not self.mean_weight and not self.second_moment_weight:
            raise ValueError("one of mean_weight and second_moment_weight must be above 0, or the loss is nothing")
        return self


SPECS = (
    LossSpec(
        name="GlobalOrthogonalRegularizationLoss",
        alias="gor",
        purpose="Spread embeddings evenly over the sphere; mostly added to another loss.",
        formula=(
            "loss = mean over columns of mean_weight * M1^2\n"
            "     + second_moment_weight * max( 0, M2 - 1/D )\n"
            "M1, M2: mean of sim(x_i, x_j) and of its square over all i != j"
        ),
        formats=(ANY,),
        parameters=GlobalOrthogonalRegularizationParameters,
        coupling=Coupling.BATCH,
        implementation="embtune.losses.global_orthogonal_regularization:GlobalOrthogonalRegularization",
        reduction="mean over pairs of different rows, then mean or sum over columns",
        degenerate=("One row: loss 0 and no gradient.", "Equal texts in a batch are pushed apart and cannot go."),
        papers=(
            Paper(
                "Learning Spread-out Local Feature Descriptors",
                "Zhang et al.",
                2017,
                "https://arxiv.org/abs/1708.06320",
            ),
        ),
        minimum_batch=2,
    ),
)
