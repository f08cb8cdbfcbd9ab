"""The JSON Schema of a loss entry: every loss's parameters, told apart by `name`, grown from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from embtune.catalog import Catalogue, LossSpec

_REFERENCE = "#/$defs/"


def entry_schema(catalogue: Catalogue, *, modifiers: bool) -> dict[str, object]:
    """Of losses or of modifiers: a bare name where that is enough, or a mapping with `name` and its parameters."""
    specs = [spec for spec in catalogue.specs if spec.is_modifier is modifiers]
    names = [word for spec in specs if not _is_required_more(spec) for word in (spec.name, spec.alias)]
    return {"anyOf": [{"type": "string", "enum": names}, {"oneOf": [_spec_schema(spec) for spec in specs]}]}


def _is_required_more(spec: LossSpec) -> bool:
    return any(field.is_required() for field in spec.parameters.model_fields.values())


def _spec_schema(spec: LossSpec) -> dict[str, object]:
    parameters = spec.parameters.model_json_schema()
    names = [{"const": spec.name}, {"const": spec.alias}]
    own: dict[str, object] = {"name": {"anyOf": names, "description": spec.purpose}}
    if not spec.is_modifier:
        description = "Factor on this loss in the sum of all losses."
        own["weight"] = {"type": "number", "exclusiveMinimum": 0, "default": 1.0, "description": description}
    return {
        "title": spec.name,
        "description": spec.purpose,
        "type": "object",
        "properties": {**own, **_inlined(parameters.get("properties", {}), parameters.get("$defs", {}))},
        "required": ["name", *parameters.get("required", [])],
        "additionalProperties": False,
    }


def _inlined(schema: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """The schema with references to its own definitions written out, since it becomes part of a larger one."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined({**definitions[reference.removeprefix(_REFERENCE)], **rest}, definitions)
    return {key: _inlined_value(value, definitions) for key, value in schema.items()}


def _inlined_value(value: object, definitions: Mapping[str, Mapping[str, object]]) -> object:
    if isinstance(value, dict):
        return _inlined(value, definitions)
    return [_inlined_value(item, definitions) for item in value] if isinstance(value, list) else value
