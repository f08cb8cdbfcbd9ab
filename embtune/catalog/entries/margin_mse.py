"""Triplets with a teacher's margins: the positive shall be better by as much as the teacher finds it."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Similarity
from embtune.catalog.formats import (
    N_TUPLE,
    N_TUPLE_MARGINS,
    N_TUPLE_SCORES,
    TRIPLET,
    TRIPLET_MARGIN,
    TRIPLET_SCORES,
)
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper
from embtune.catalog.taught import TaughtParameters


class MarginMSEParameters(TaughtParameters):
    """The teacher, and how texts are compared."""

    similarity_fct: Similarity = Field(
        default=Similarity.DOT,
        description="How query and passage are compared, by the model and by the teacher named here.",
    )


SPECS = (
    LossSpec(
        name="MarginMSELoss",
        alias="margin-mse",
        purpose="Make the positive better than each negative by the margin that a teacher gives.",
        formula=(
            "loss = mean_i mean_j ( sim(q_i, p_i) - sim(q_i, n_ij) - m_ij )^2\n"
            "m_ij the margin, or teacher(q_i, p_i) - teacher(q_i, n_ij)"
        ),
        formats=(TRIPLET_MARGIN, N_TUPLE_MARGINS, TRIPLET_SCORES, N_TUPLE_SCORES),
        taught_formats=(TRIPLET, N_TUPLE),
        parameters=MarginMSEParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.margin_mse:MarginMSE",
        reduction="mean over all negatives of all rows",
        degenerate=(
            "A negative that a row lacks, and one that the teacher scores -inf, has no margin and does not count.",
        ),
        papers=(
            Paper(
                "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation",
                "Hofstätter et al.",
                2020,
                "https://arxiv.org/abs/2010.02666",
            ),
        ),
        needs=frozenset({Need.TEACHER}),
    ),
)
