"""Pairs, each against the hardest text of a large batch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from embtune.catalog.formats import PAIR
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper, Parameters

_Cosine = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False, strict=True)]


class MegaBatchMarginParameters(Parameters):
    """How near is near enough, and how near is too near."""

    positive_margin: _Cosine = Field(
        default=0.8, description="The cosine with its positive from which on an anchor costs nothing."
    )
    negative_margin: _Cosine = Field(
        default=0.3, description="The cosine with the hardest negative up to which an anchor costs nothing."
    )


SPECS = (
    LossSpec(
        name="MegaBatchMarginLoss",
        alias="mega-batch",
        purpose="Bring each pair nearer than a margin, and the nearest positive of another row farther than another.",
        formula=(
            "loss = mean_i [ max( 0, positive_margin - cos(a_i, p_i) )\n"
            "              + max( 0, max_{j != i} cos(a_i, p_j) - negative_margin ) ]"
        ),
        formats=(PAIR,),
        parameters=MegaBatchMarginParameters,
        coupling=Coupling.BATCH,
        implementation="embtune.losses.mega_batch_margin:MegaBatchMargin",
        reduction="mean over rows",
        degenerate=("One row: there is no negative, and only the positive margin counts.",),
        papers=(
            Paper(
                "ParaNMT-50M: Pushing the Limits of Paraphrastic Sentence Embeddings with Millions of Machine "
                "Translations",
                "Wieting and Gimpel",
                2018,
                "https://aclanthology.org/P18-1042",
            ),
        ),
        needs=frozenset({Need.NO_DUPLICATES, Need.LARGE_BATCH}),
        minimum_batch=2,
    ),
)
