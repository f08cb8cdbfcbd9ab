"""Parameters of losses whose labels a teacher model gives: beforehand, in the data, or here, by its name."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from embtune.catalog.frozen import FrozenModel
from embtune.catalog.spec import LossSpec, Parameters


class TaughtParameters(Parameters):
    """Where the teacher's values come from."""

    teacher: FrozenModel | None = Field(
        default=None,
        description="A model, by name or path, that gives the labels, so that the data needs none: it embeds each text "
        "once, with its own tokenizer, before training. null reads the data's labels.",
    )


def as_set(spec: LossSpec, parameters: Parameters) -> LossSpec:
    """The entry as these parameters make it: with a teacher it takes the texts without their label."""
    if isinstance(parameters, TaughtParameters) and parameters.teacher is not None:
        return replace(spec, formats=spec.taught_formats, taught_formats=())
    return spec
