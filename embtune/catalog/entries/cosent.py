"""Scored pairs, ordered: the pair with the higher score shall be the nearer one."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Similarity
from embtune.catalog.formats import PAIR_SCORE
from embtune.catalog.scaled import Scaled
from embtune.catalog.spec import Coupling, LossSpec, Paper


class CoSENTParameters(Scaled):
    """How pairs are compared and how sharply their order counts."""

    similarity_fct: Similarity = Field(
        default=Similarity.COSINE, description="How the two texts of a pair are compared."
    )


SPECS = (
    LossSpec(
        name="CoSENTLoss",
        alias="cosent",
        purpose="Put pairs in the order of their scores; only the order counts, never the size of a score.",
        formula="loss = log( 1 + sum_{i, j: y_i < y_j} exp( scale * (sim_i - sim_j) ) )",
        formats=(PAIR_SCORE,),
        parameters=CoSENTParameters,
        coupling=Coupling.BATCH,
        implementation="embtune.losses.cosent:CoSENT",
        reduction="log of a sum over pairs of rows, not averaged: it grows with the batch",
        degenerate=("One row, or all scores equal: loss 0 and no gradient, there is no order to learn.",),
        papers=(
            Paper(
                "CoSENT: Consistent Sentence Embedding via Similarity Ranking",
                "Huang et al.",
                2024,
                "https://doi.org/10.1109/TASLP.2024.3402087",
            ),
        ),
        minimum_batch=2,
        recommended=True,
    ),
)
