"""Parameters of losses that ask another model, which is not trained, what it thinks of the batch."""

from __future__ import annotations

from pydantic import Field

from embtune.catalog.frozen import FrozenModel
from embtune.catalog.spec import Parameters
from embtune.catalog.taught import TaughtParameters


class GuidedParameters(Parameters):
    """Who guides."""

    guide: FrozenModel = Field(
        description="A model, by name or path, that judges which texts of a batch are alike: it embeds each text once, "
        "with its own tokenizer and default prompt, before training.",
        examples=["BAAI/bge-small-en-v1.5"],
    )


def frozen_parameter(parameters: Parameters) -> tuple[str, str] | None:
    """The parameter that names a model which is not trained, and that model; None where there is none."""
    if isinstance(parameters, GuidedParameters):
        return "guide", parameters.guide
    if isinstance(parameters, TaughtParameters) and parameters.teacher is not None:
        return "teacher", parameters.teacher
    return None
