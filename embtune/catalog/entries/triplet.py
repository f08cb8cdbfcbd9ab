"""Triplets: the positive shall be nearer than the negative, by a margin."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Distance
from embtune.catalog.formats import TRIPLET
from embtune.catalog.scaled import PositiveFloat
from embtune.catalog.spec import Coupling, LossSpec, Paper, Parameters


class TripletParameters(Parameters):
    """Which distance, and by how much."""

    distance_metric: Distance = Field(default=Distance.EUCLIDEAN, description="How far anchor and text are apart.")
    triplet_margin: PositiveFloat = Field(
        default=5.0,
        description="How much farther the negative must be before a row costs nothing. "
        "5 suits unnormalised embeddings; with cosine, whose distances end at 2, use 0.1 to 0.5.",
    )


SPECS = (
    LossSpec(
        name="TripletLoss",
        alias="triplet",
        purpose="Bring each anchor nearer to its positive than to its negative, by a margin.",
        formula="loss = mean_i max( 0, d(a_i, p_i) - d(a_i, n_i) + triplet_margin )",
        formats=(TRIPLET,),
        parameters=TripletParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.triplet:Triplet",
        reduction="mean over rows",
        degenerate=("Positive and negative equal: the row costs the margin and gives no gradient.",),
        papers=(
            Paper(
                "FaceNet: A Unified Embedding for Face Recognition and Clustering",
                "Schroff et al.",
                2015,
                "https://arxiv.org/abs/1503.03832",
            ),
            Paper(
                "In Defense of the Triplet Loss for Person Re-Identification",
                "Hermans et al.",
                2017,
                "https://arxiv.org/abs/1703.07737",
            ),
        ),
    ),
)
