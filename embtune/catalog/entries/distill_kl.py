"""A teacher's scores as a distribution over the passages of a row: the model's shall be the same."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.choices import Similarity
from embtune.catalog.formats import N_TUPLE, N_TUPLE_SCORES, TRIPLET, TRIPLET_SCORES
from embtune.catalog.scaled import PositiveFloat
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper
from embtune.catalog.taught import TaughtParameters


class DistillKLParameters(TaughtParameters):
    """The teacher, how texts are compared, and how soft the distributions are."""

    similarity_fct: Similarity = Field(
        default=Similarity.DOT,
        description="How query and passage are compared, by the model and by the teacher named here.",
    )
    temperature: PositiveFloat = Field(
        default=1.0, description="What both sides' scores are divided by before the softmax; larger is softer."
    )
    student_temperature: PositiveFloat | None = Field(
        default=None, description="The same for the model alone; null takes temperature."
    )
    teacher_temperature: PositiveFloat | None = Field(
        default=None, description="The same for the teacher alone; null takes temperature."
    )


SPECS = (
    LossSpec(
        name="DistillKLDivLoss",
        alias="distill-kl",
        purpose="Rank the passages of a row as a teacher does: match its softmax over their scores.",
        formula=(
            "loss = mean_i T_s^2 * KL( p_i || q_i )\n"
            "p_ij = softmax_j( y_ij / T_t ), q_ij = softmax_j( sim(a_i, d_ij) / T_s )\n"
            "d_ij the positive and the negatives, y_ij the teacher's scores"
        ),
        formats=(TRIPLET_SCORES, N_TUPLE_SCORES),
        taught_formats=(TRIPLET, N_TUPLE),
        parameters=DistillKLParameters,
        coupling=Coupling.ROWS,
        implementation="embtune.losses.distill_kl:DistillKL",
        reduction="mean over rows",
        degenerate=(
            "A score of -inf gives the passage no probability; a row of nothing else is refused when it is read.",
            "A passage that a row lacks is in neither distribution.",
        ),
        papers=(
            Paper(
                "Distilling Dense Representations for Ranking using Tightly-Coupled Teachers",
                "Lin, Yang and Lin",
                2020,
                "https://arxiv.org/abs/2010.11386",
            ),
        ),
        needs=frozenset({Need.TEACHER}),
    ),
)
