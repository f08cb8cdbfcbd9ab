"""Parameters of losses that ask another model, which is not trained, what it thinks of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from embtune.catalog.frozen import FrozenModel, RolePrompts
from embtune.catalog.spec import Parameters
from embtune.catalog.taught import TaughtParameters


class GuidedParameters(Parameters):
    """Who guides."""

    guide: FrozenModel = Field(
        description="A model, by name or path, that judges which texts of a batch are alike: it embeds each text once, "
        "with its own tokenizer and default prompt, before training.",
        examples=["BAAI/bge-small-en-v1.5"],
    )
    guide_prompts: RolePrompts = Field(
        default={},
        description="Role to what the guide reads before its texts: the name of a prompt of its own, or the text "
        "itself. Other roles have its default prompt.",
        examples=[{"anchor": "query: ", "positive": "passage: "}],
    )


@dataclass(frozen=True)
class Asked:
    """A model that is asked and not trained. parameter: what names it. prompts: by role, as `prompt_of` reads them."""

    parameter: str
    model: str
    prompts: Mapping[str, str]


def frozen_parameter(parameters: Parameters) -> Asked | None:
    """The model that a loss asks and nobody trains; None where there is none."""
    if isinstance(parameters, GuidedParameters):
        return Asked("guide", parameters.guide, parameters.guide_prompts)
    if isinstance(parameters, TaughtParameters) and parameters.teacher is not None:
        return Asked("teacher", parameters.teacher, parameters.teacher_prompts)
    return None
