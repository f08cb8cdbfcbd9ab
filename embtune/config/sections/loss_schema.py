"""The JSON Schema of a loss entry: every loss's parameters, told apart by `name`, grown from the catalogue."""

from __future__ import annotations

from pydantic.json_schema import JsonSchemaValue

from embtune.catalog import LossSpec, all_specs

WEIGHT_DESCRIPTION = "Factor on this loss in the sum of all losses."


def entry_schema() -> JsonSchemaValue:
    """A bare name, or a mapping with `name` and the parameters of that loss or modifier."""
    names = [word for spec in all_specs() for word in (spec.name, spec.alias)]
    return {"anyOf": [{"type": "string", "enum": names}, {"oneOf": [_spec_schema(spec) for spec in all_specs()]}]}


def _spec_schema(spec: LossSpec) -> JsonSchemaValue:
    schema = spec.parameters.model_json_schema()
    return schema
