"""Parameters as people read them: type, default and range in words, taken from the parameter models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from embtune.catalog.spec import LossSpec

Schema: TypeAlias = Mapping[str, object]

_TYPE_WORDS = {
    "number": "number",
    "integer": "integer",
    "boolean": "true or false",
    "null": "null",
    "string": "text",
    "object": "section",
}
_BOUNDS = (("exclusiveMinimum", ">"), ("minimum", ">="), ("exclusiveMaximum", "<"), ("maximum", "<="))


@dataclass(frozen=True)
class ParameterDoc:
    """One parameter of a loss. `default` and `example` are JSON values; `required` ones have no default."""

    name: str
    type: str
    range: str  # "> 0", or empty
    required: bool
    default: object
    example: object
    description: str

    def facts(self) -> str:
        """`number > 0, default 20.0`."""
        kind = re.sub(r"\b(number|integer)\b", rf"\1 {self.range}", self.type) if self.range else self.type
        return f"{kind}, required" if self.required else f"{kind}, default {as_yaml(self.default)}"


def parameter_docs(spec: LossSpec) -> tuple[ParameterDoc, ...]:
    """The parameters of a loss in their order."""
    schema = spec.parameters.model_json_schema()
    definitions = _mapping(schema.get("$defs"))
    required = schema.get("required", [])
    return tuple(
        _document(name, _mapping(field), definitions, name in required)
        for name, field in _mapping(schema.get("properties")).items()
    )


def as_yaml(value: object) -> str:
    """A JSON value on one line, as a config would have it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {as_yaml(item)}' for key, item in value.items())}}}"
    return str(value)


def _document(name: str, field: Schema, definitions: Schema, required: bool) -> ParameterDoc:
    examples = field.get("examples")
    return ParameterDoc(
        name=name,
        type=_type(field, definitions),
        range=_range(field),
        required=required,
        default=field.get("default"),
        example=examples[0] if isinstance(examples, list) else None,
        description=str(field.get("description", "")),
    )


def _type(field: Schema, definitions: Schema) -> str:
    if "$ref" in field:
        return _type(_mapping(definitions[str(field["$ref"]).rpartition("/")[2]]), definitions)
    if "anyOf" in field:
        return " or ".join(_type(choice, definitions) for choice in _schemas(field["anyOf"]))
    if "enum" in field:
        return " | ".join(map(str, _list(field["enum"])))
    if field.get("type") == "array":
        return f"list of {_type(_mapping(field.get('items')), definitions)}"
    return _TYPE_WORDS[str(field["type"])]


def _range(field: Schema) -> str:
    """The bounds of a number, of each number of a list, or of the number that may also be null."""
    inner = [field, _mapping(field.get("items")), *_schemas(field.get("anyOf", []))]
    inner += [_mapping(choice.get("items")) for choice in inner]
    bounds = [f"{sign} {schema[key]:g}" for schema in inner for key, sign in _BOUNDS if key in schema]
    return " and ".join(dict.fromkeys(bounds))


def _mapping(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _schemas(value: object) -> list[Schema]:
    return [_mapping(item) for item in _list(value)]
