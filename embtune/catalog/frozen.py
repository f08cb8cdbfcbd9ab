"""Models that a loss asks and nobody trains: guides and teachers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from embtune.catalog.roles import LABEL_ROLE, canonical_role, is_negative

_SCRATCH = "scratch:"


def _trained_before(name: str) -> str:
    if name.startswith(_SCRATCH):
        raise ValueError(f"{name} has learnt nothing that it could tell; name a model that was trained before")
    return name


FrozenModel = Annotated[str, Field(min_length=1, strict=True), AfterValidator(_trained_before)]
"""A model by name or path, as `model.name_or_path` takes it, but for `scratch:`."""


def _by_role(prompts: dict[str, str]) -> dict[str, str]:
    roles = {word: canonical_role(word) for word in prompts}
    wrong = [word for word, role in roles.items() if role in (None, LABEL_ROLE)]
    if wrong:
        raise ValueError(f"{wrong[0]} is no role of a text, such as anchor, positive or negative")
    return {role: prompts[word] for word, role in roles.items() if role}


RolePrompts = Annotated[dict[str, str], AfterValidator(_by_role)]
"""Role to what such a model reads before its texts: the name of one of its own prompts, or the text itself."""


def prompt_of(prompts: Mapping[str, str], role: str) -> str | None:
    """The prompt of a role; of a negative also that of negatives or positives. None is the model's default prompt."""
    names = [role, *(("negative", "negatives", "positive") if is_negative(role) else ())]
    return next((prompts[name] for name in names if name in prompts), None)
