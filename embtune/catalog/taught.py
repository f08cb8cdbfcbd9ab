"""Parameters of losses whose labels a teacher model gives: beforehand, in the data, or here, by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import Field, model_validator

from embtune.catalog.frozen import FrozenModel, RolePrompts
from embtune.catalog.spec import LossSpec, Parameters


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
