"""Parameters of losses whose labels a teacher model gives: beforehand, in the data, or here, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Self

from pydantic import Field, model_validator

from embtune.catalog.formats import roles_fit
from embtune.catalog.frozen import FrozenModel, RolePrompts
from embtune.catalog.spec import LabelKind, LossSpec, Parameters

LABEL_COLUMNS: Mapping[LabelKind, str] = MappingProxyType(
    {LabelKind.VECTOR: "embedding", LabelKind.MARGIN: "margin", LabelKind.SCORES: "scores"}
)
"""What a column of a teacher's values is called, so that its name says what it is."""


class TaughtParameters(Parameters):
    """Where the teacher's values come from."""

    teacher: FrozenModel | None = Field(
        default=None,
        description="A model, by name or path, that gives the labels, so that the data needs none: it embeds each text "
        "once, with its own tokenizer, before training. null reads the data's labels.",
    )
    teacher_prompts: RolePrompts = Field(
        default={},
        description="Role to what the teacher reads before its texts: the name of a prompt of its own, or the text "
        "itself. Other roles have its default prompt.",
        examples=[{"anchor": "query: ", "positive": "passage: "}],
    )

    @model_validator(mode="after")
    def _refuse_prompts_of_nobody(self) -> Self:
        if self.teacher_prompts and self.teacher is None:
            raise ValueError("teacher_prompts are those of a teacher, and no teacher is named")
        return self


def as_set(spec: LossSpec, parameters: Parameters) -> LossSpec:
    """The entry as these parameters make it: with a teacher it takes the texts without their label."""
    if isinstance(parameters, TaughtParameters) and parameters.teacher is not None:
        return replace(spec, formats=spec.taught_formats, taught_formats=())
    return spec


def taught_label(spec: LossSpec, roles: Sequence[str]) -> LabelKind | None:
    """The label that a teacher gives texts with these roles for a loss; None where the loss takes no such texts.

    Of several, such as margins or scores, it is the one that the loss's entry names first.
    """
    if not any(roles_fit(way.roles, roles) for way in spec.taught_formats):
        return None
    kinds = [format.label for format in spec.formats if format.label in LABEL_COLUMNS]
    fitting = [format.label for format in spec.formats if roles_fit(format.roles, roles)]
    return next((kind for kind in (*fitting, *kinds) if kind in LABEL_COLUMNS), None)  # a labelled pair is two texts
