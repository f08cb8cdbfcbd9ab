"""Parameters of losses that ask another model, which is not trained, what it thinks of the batch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from embtune.catalog.spec import Parameters
from embtune.catalog.taught import TaughtParameters

_SCRATCH = "scratch:"


def _trained_before(name: str) -> str:
    if name.startswith(_SCRATCH):
        raise ValueError(f"{name} has learnt nothing that it could tell; name a model that was trained before")
    return name


FrozenModel = Annotated[str, Field(min_length=1, strict=True), AfterValidator(_trained_before)]
"""A model by name or path, as `model.name_or_path` takes it, but for `scratch:`."""


class GuidedParameters(Parameters):
    """Who guides."""

    guide: FrozenModel = Field(
        description="A model, by name or path, that judges which texts of a batch are alike: it embeds each text once, "
        "with its own tokenizer and default prompt, before training.",
        examples=["sentence-transformers/all-MiniLM-L6-v2"],
    )


def frozen_parameter(parameters: Parameters) -> tuple[str, str] | None:
    """The parameter that names a model which is not trained, and that model; None where there is none."""
    if isinstance(parameters, GuidedParameters):
        return "guide", parameters.guide
    if isinstance(parameters, TaughtParameters) and parameters.teacher is not None:
        return "teacher", parameters.teacher
    return None
