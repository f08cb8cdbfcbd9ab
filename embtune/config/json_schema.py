"""The JSON Schema of the config (draft 2020-12), for editors."""

from __future__ import annotations

from embtune.config.schema import RunConfig
from embtune.config.sections.loss_schema import entry_schema

_EXTENDS = "Another YAML file, relative to this one, whose settings this one is put on top of."


def json_schema() -> dict[str, object]:
    """The schema of a config file: every key with its description, every loss with its parameters."""
    schema = RunConfig.model_json_schema()
    schema["$defs"] |= {"Loss": entry_schema(modifiers=False), "Modifier": entry_schema(modifiers=True)}
    schema["properties"] = {"extends": {"type": "string", "description": _EXTENDS}, **schema["properties"]}
    # a file that extends another may leave to it what is required
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "embtune config",
        "anyOf": [{"required": schema.pop("required")}, {"required": ["extends"]}],
    }
