"""Behaviour 17: no input ends in anything but a config or located problems."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from config_text import BASE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embtune.config import load_config
from embtune.config.keys import sections
from embtune.config.renames import RENAMES
from embtune.config.scalars import write_yaml
from embtune.errors import ConfigError

KEYS = st.sampled_from(
    sorted(
        {key for keys in sections().values() for key in keys}
        | {row.old[0] for row in RENAMES}
        | {"extends", "<<", "name", "token"}
    )
) | st.text(max_size=5)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["cosent", "MatryoshkaLoss", "auto", "${env:X}", "${env:HOME:-x}", "a.jsonl", "yes", "\0", "~"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
MARKS = (
    *("a", "seed", ": ", "- ", "\n", "  ", "{", "}", "[", "]", "&a ", "*a", "!!int ", "'", '"', "|", ">", "#", "\t"),
    *("%", "@", "? ", "---", "\\", "\x85", "é"),
)
YAML_MARKS = st.lists(st.sampled_from(MARKS), max_size=25).map("".join)
PATHS = st.lists(KEYS | st.sampled_from(["0", "1"]), max_size=4).map(".".join)
OVERRIDES = st.builds("{}={}".format, PATHS, YAML_MARKS | st.text(max_size=8)) | st.text(max_size=12)


def judge(text: str, *sets: str) -> None:
    """Load; what is wrong must be told, located and printable."""
    told = outcome(lambda: load_config("-", sets, {}, io.StringIO(text)).resolved_yaml())
    assert told is None or str(told).encode("utf-8", "backslashreplace")


def outcome(read: Callable[[], object]) -> ConfigError | None:
    """The error of a config that is not valid, if it has one; it holds problems, each located."""
    try:
        read()
    except ConfigError as error:
        return error if error.problems and all(problem.location for problem in error.problems) else pytest.fail("bare")
    return None


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_values(values: dict[str, object]) -> None:
    judge(write_yaml(values))


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_values_beside_a_valid_config(values: dict[str, object]) -> None:
    judge(BASE + write_yaml(values)) if values else None


@given(YAML_MARKS)
def test_any_marks(text: str) -> None:
    judge(text)
    judge(BASE + text)


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    judge(text)


@given(st.lists(OVERRIDES, max_size=3))
def test_any_overrides(sets: list[str]) -> None:
    judge(BASE, *sets)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    outcome(lambda: load_config(path))
