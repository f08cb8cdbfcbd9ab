"""A checked config back to YAML, every value written out."""

from __future__ import annotations

from collections.abc import Mapping

from embtune.config.environment import escape
from embtune.config.hiding import hide_in
from embtune.config.scalars import write_yaml
from embtune.config.schema import RunConfig


def resolved(config: RunConfig) -> dict[str, object]:
    """Plain values of the whole config; a single loss is not a list."""
    values: dict[str, object] = config.model_dump(mode="json")
    losses = values["loss"]
    if isinstance(losses, list) and len(losses) == 1:
        values["loss"] = losses[0]
    return values


def resolved_yaml(config: RunConfig, variables: Mapping[str, str]) -> str:
    """The config as YAML that loads back equal; text that looks like a `${env:...}` is escaped.

    Args:
        variables: their values are replaced by references to them.
    """
    return write_yaml(hide_in(escaped(resolved(config)), {name: escape(value) for name, value in variables.items()}))


def escaped(value: object) -> object:
    """The value with every text in it such that reading it from a file gives it back."""
    if isinstance(value, dict):
        return {key: escaped(below) for key, below in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return escape(value) if isinstance(value, str) else value
