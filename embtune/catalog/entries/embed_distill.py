"""Texts with a teacher's embeddings: the model shall embed as the teacher does."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from embtune.catalog.choices import TeacherDistance
from embtune.catalog.formats import PAIR, TEXT, TEXT_VECTOR, TEXTS, TEXTS_VECTOR
from embtune.catalog.spec import Coupling, LossSpec, Need, Paper
from embtune.catalog.taught import TaughtParameters

_TRANSLATIONS = Paper(
    "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation",
    "Reimers and Gurevych",
    2020,
    "https://arxiv.org/abs/2004.09813",
)
_GEOMETRIC = Paper(
    "EmbedDistill: A Geometric Knowledge Distillation for Information Retrieval",
    "Kim et al.",
    2023,
    "https://arxiv.org/abs/2301.12005",
)
_ONE_WIDTH = "A teacher of another width than the model, without a projection: refused before training."
_NEEDS = frozenset({Need.TEACHER})


class ProjectedParameters(TaughtParameters):
    """The teacher, and how its width is met."""

    projection_dim: Annotated[int, Field(ge=1, strict=True)] | None = Field(
        default=None,
        description="Width of a linear map, trained beside the model, from its embeddings to the teacher's; "
        "null compares the embeddings as they are.",
    )


class EmbedDistillParameters(ProjectedParameters):
    """The teacher, and what counts as far from it."""

    distance_metric: TeacherDistance = Field(
        default=TeacherDistance.COSINE, description="How far an embedding is from the teacher's."
    )


EMBED_DISTILL = LossSpec(
    name="EmbedDistillLoss",
    alias="embed-distill",
    purpose="Embed each text near where a teacher embeds it, or near where it embeds the first text of the row.",
    formula=(
        "loss = mean_i mean_k d( W e_ik + bias, t_ik )\n"
        "d = 1 - cos, mean_D (difference)^2 or ||difference||; without projection W = I"
    ),
    formats=(TEXT_VECTOR, TEXTS_VECTOR),
    taught_formats=(TEXT, TEXTS, PAIR),
    parameters=EmbedDistillParameters,
    coupling=Coupling.ROWS,
    implementation="embtune.losses.embed_distill:EmbedDistill",
    reduction="mean over rows and over the texts of a row",
    degenerate=(_ONE_WIDTH, "A teacher's zero vector has no direction: with cosine the row costs 1, no gradient."),
    papers=(_GEOMETRIC, _TRANSLATIONS),
    needs=_NEEDS,
)

MSE = LossSpec(
    name="MSELoss",
    alias="mse",
    purpose="Make embeddings equal a teacher's: for a smaller model, or for the translations of what it embeds.",
    formula="loss = mean_i mean_k mean_D ( W e_ik + bias - t_ik )^2\nwithout projection W = I",
    formats=(TEXT_VECTOR, TEXTS_VECTOR),
    taught_formats=(TEXT, TEXTS, PAIR),
    parameters=ProjectedParameters,
    coupling=Coupling.ROWS,
    implementation=EMBED_DISTILL.implementation,
    reduction="mean over rows, over the texts of a row and over the numbers of an embedding",
    degenerate=(_ONE_WIDTH, "Embeddings that equal the teacher's: loss 0, no gradient."),
    papers=(_TRANSLATIONS,),
    needs=_NEEDS,
    resolves_to=EMBED_DISTILL.name,
    presets={"distance_metric": "mse"},
)

SPECS = (EMBED_DISTILL, MSE)
