"""Pairs with 1 or 0, of which only the hard ones of each batch count."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Distance
from embtune.catalog.formats import PAIR_BINARY
from embtune.catalog.scaled import PositiveFloat
from embtune.catalog.spec import Coupling, LossSpec, Paper, Parameters


class OnlineContrastiveParameters(Parameters):
    """Which distance, and how far is far enough."""

    distance_metric: Distance = Field(default=Distance.COSINE, description="How far the two texts are apart.")
    margin: PositiveFloat = Field(
        default=0.5, description="The distance from which on a pair labelled 0 costs nothing."
    )


SPECS = (
    LossSpec(
        name="OnlineContrastiveLoss",
        alias="online-contrastive",
        purpose="Pull and push only those pairs of a batch that lie on the wrong side of a pair of the other label.",
        formula=(
            "loss = sum_{i: y_i = 1, d_i > min d_0} d_i^2\n"
            "     + sum_{i: y_i = 0, d_i < max d_1} max( 0, margin - d_i )^2"
        ),
        formats=(PAIR_BINARY,),
        parameters=OnlineContrastiveParameters,
        coupling=Coupling.BATCH,
        implementation="embtune.losses.online_contrastive:OnlineContrastive",
        reduction="sum over the hard pairs: the gradient grows with batch_size",
        degenerate=(
            "One label alone: pairs labelled 0 nearer than their mean count, or those labelled 1 farther than theirs.",
            "One pair, or none on the wrong side: loss 0 and no gradient.",
        ),
        papers=(
            Paper(
                "Dimensionality Reduction by Learning an Invariant Mapping",
                "Hadsell et al.",
                2006,
                "https://doi.org/10.1109/CVPR.2006.100",
            ),
        ),
        minimum_batch=2,
    ),
)
