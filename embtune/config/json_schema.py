"""The JSON Schema of the config (draft 2020-12), for editors."""

from __future__ import annotations

from embtune.catalog import Catalogue, installed
from embtune.config.schema import RunConfig
from embtune.config.sections.loss_schema import entry_schema
from embtune.config.sections.losses import LOSS_ENTRY, MODIFIER_ENTRY

_EXTENDS = "Another YAML file, relative to this one, whose settings this one is put on top of."
_ENTRIES = {LOSS_ENTRY: "#/$defs/Loss", MODIFIER_ENTRY: "#/$defs/Modifier"}


def json_schema(catalogue: Catalogue | None = None) -> dict[str, object]:
    """The schema of a config file: every key with its description, every loss with its parameters.

    Args:
        catalogue: the losses that there are; by default those that are installed.
    """
    catalogue = catalogue or installed()
    schema = RunConfig.model_json_schema()
    required = schema.pop("required")
    schema["$defs"] |= {
        "Loss": entry_schema(catalogue, modifiers=False),
        "Modifier": entry_schema(catalogue, modifiers=True),
    }
    schema["properties"] = {"extends": {"type": "string", "description": _EXTENDS}, **schema["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **{key: _with_entries(value) for key, value in schema.items()},
        "title": "embtune config",
        # a file that extends another may leave to it what is required
        "anyOf": [{"required": required}, {"required": ["extends"]}],
    }


def _with_entries(schema: object) -> object:
    """The schema with each stand-in for a loss or modifier replaced by a reference to the catalogue's entries."""
    if isinstance(schema, list):
        return [_with_entries(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    entry = _ENTRIES.get(str(schema.get("$comment")))
    rest = {key: _with_entries(value) for key, value in schema.items() if entry is None or key != "$comment"}
    return rest if entry is None else {"$ref": entry, **rest}
