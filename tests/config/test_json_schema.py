"""Behaviour 10 and the editors: the JSON Schema is valid, described, and agrees with the loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_text import BASE, load
from hypothesis import given
from test_messages import CASES, LOSSES
from test_resolved import CONFIGS

from embtune.catalog import all_specs
from embtune.config import RunConfig, json_schema
from embtune.config.parsing import Source
from embtune.config.sections.base import Section

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def plain(text: str) -> object:
    root = Source("t", text, Path(), {}).read()
    return root.plain() if root else None


def objects(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for below in schema.values():
            yield from objects(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from objects(below)


def test_it_is_valid_by_the_metaschema_of_its_draft() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_reference_leads_somewhere() -> None:
    definitions = SCHEMA["$defs"]
    assert isinstance(definitions, dict)
    references = {found["$ref"] for found in objects(SCHEMA) if isinstance(found.get("$ref"), str)}
    assert references <= {f"#/$defs/{name}" for name in definitions}
    assert not [found for found in objects(SCHEMA) if "$comment" in found]


def test_every_key_has_a_description() -> None:
    bare = [
        name
        for found in objects(SCHEMA)
        if isinstance(found.get("properties"), dict)
        for name, below in found["properties"].items()
        if not below.get("description")
    ]
    assert not bare


def test_no_section_lets_an_unknown_key_pass() -> None:
    open_ones = [
        found for found in objects(SCHEMA) if "properties" in found and found.get("additionalProperties") is not False
    ]
    assert not open_ones


def test_every_loss_is_there_with_its_parameters() -> None:
    entries = {
        found["title"]: found for found in objects(SCHEMA) if "name" in found.get("properties", {}) and "title" in found
    }
    for spec in all_specs():
        assert set(spec.parameters.model_fields) <= set(entries[spec.name]["properties"])
        assert {"const": spec.name} in entries[spec.name]["properties"]["name"]["anyOf"]


@given(CONFIGS)
def test_what_loads_is_valid(values: dict[str, Any]) -> None:
    VALIDATOR.validate(values)


@pytest.mark.parametrize(
    "text", [f"{BASE}{case[0]}\n" for case in CASES] + [BASE.replace("cosent", loss) for loss, *_ in LOSSES]
)
def test_what_does_not_load_is_invalid(text: str) -> None:
    if "temperature" not in text and ".nan" not in text:  # of which JSON Schema knows nothing
        assert not VALIDATOR.is_valid(plain(text)), text


def test_a_file_that_extends_another_may_leave_out_what_is_required() -> None:
    assert VALIDATOR.is_valid({"extends": "base.yaml"})
    assert not VALIDATOR.is_valid({"seed": 3})


def test_what_is_resolved_is_valid() -> None:
    assert VALIDATOR.is_valid(load(BASE).resolved())


def test_every_field_of_every_section_is_described() -> None:
    sections: list[type[Section]] = [RunConfig, *Section.__subclasses__()]
    assert not [
        f"{section.__name__}.{name}" for section in sections for name, field in section.model_fields.items()
        if not field.description
    ]  # fmt: skip
