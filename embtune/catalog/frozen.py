"""Models that a loss asks and nobody trains: guides and teachers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

_SCRATCH = "scratch:"


def _trained_before(name: str) -> str:
    if name.startswith(_SCRATCH):
        raise ValueError(f"{name} has learnt nothing that it could tell; name a model that was trained before")
    return name


FrozenModel = Annotated[str, Field(min_length=1, strict=True), AfterValidator(_trained_before)]
"""A model by name or path, as `model.name_or_path` takes it, but for `scratch:`."""
