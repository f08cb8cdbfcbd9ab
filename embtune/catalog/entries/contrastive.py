"""Pairs with 1 or 0: near when 1, beyond a margin when 0."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Distance
from embtune.catalog.formats import PAIR_BINARY
from embtune.catalog.scaled import PositiveFloat
from embtune.catalog.spec import Coupling, LossSpec, Paper, Parameters


class ContrastiveParameters(Parameters):
    """Which distance, how far is far enough, and how rows are summed."""

    distance_metric: Distance = Field(default=Distance.COSINE, description="How far the two texts are apart.")
    margin: PositiveFloat = Field(
        default=0.5, description="The distance from which on a pair labelled 0 costs nothing."
    )
    size_average: bool = Field(default=True, strict=True, description="Mean over rows when true, sum when false.")


SPECS = (
    LossSpec(
        name="ContrastiveLoss",
        alias="contrastive",
        purpose="Pull pairs labelled 1 together and push pairs labelled 0 apart, up to a margin.",
        formula="loss = mean_i 1/2 [ y_i d_i^2 + (1 - y_i) max(0, margin - d_i)^2 ]",
        formats=(PAIR_BINARY,),
        parameters=ContrastiveParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.contrastive:Contrastive",
        reduction="mean over rows; sum when size_average is false",
        degenerate=("All labels 1: everything is pulled together, nothing apart; mix in pairs labelled 0.",),
        papers=(
            Paper(
                "Dimensionality Reduction by Learning an Invariant Mapping",
                "Hadsell et al.",
                2006,
                "https://doi.org/10.1109/CVPR.2006.100",
            ),
        ),
    ),
)
