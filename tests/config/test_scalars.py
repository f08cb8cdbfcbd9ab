"""Behaviour 4: scalars are those of YAML 1.2, and what is written reads back equal."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from config_text import BASE, load
from hypothesis import given
from hypothesis import strategies as st

from embtune.config.parsing import Source
from embtune.config.scalars import read_word, write_yaml

# from the tables of YAML 1.2.2, chapter 10.3 (core schema)
CORE: list[tuple[str, object]] = [
    ("2e-5", 2e-5), ("2.0e-5", 2e-5), ("0.00002", 2e-5), ("1e6", 1e6), (".5", 0.5), ("1.", 1.0), ("-3", -3), ("+7", 7),
    ("0o17", 15), ("0xff", 255), ("017", 17), ("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None),
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("2024-01-31", "2024-01-31"),
    ("1_000", "1_000"), ("12:30", "12:30"), ("0b1", "0b1"), ("nUll", "nUll"), ("-.inf", -math.inf), ("e5", "e5"),
]  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | WORDS
    | st.sampled_from([text for text, _ in CORE])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)


def read(text: str) -> object:
    source = Source("t.yaml", text, Path(), {})
    root = source.read()
    assert root is not None, text
    assert not source.problems, text
    return root.plain()


@pytest.mark.parametrize(("text", "value"), CORE)
def test_words_are_read_as_yaml_1_2_says(text: str, value: object) -> None:
    assert (type(read_word(text)), read_word(text)) == (type(value), value)
    assert read(f"key: {text}") == {"key": value}


def test_quoted_words_are_text() -> None:
    assert read("""{a: "2e-5", b: 'true', c: ""}""") == {"a": "2e-5", "b": "true", "c": ""}


def test_not_a_number_is_a_float() -> None:
    value = read_word(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize("text", ["2e-5", "2.0e-5", "0.00002", "20e-6"])
def test_every_spelling_of_a_learning_rate_is_the_same_float(text: str) -> None:
    assert load(f"{BASE}train: {{learning_rate: {text}}}\n").config.train.learning_rate == 2e-5


def test_a_whole_number_may_be_written_with_an_exponent() -> None:
    assert load(f"{BASE}train: {{max_steps: 1e3}}\n").config.train.max_steps == 1000


@given(st.dictionaries(WORDS.filter(lambda word: "${env:" not in word and word != "<<"), VALUES, max_size=3))
def test_what_is_written_reads_back_equal(value: dict[str, object]) -> None:
    text = write_yaml(value)
    if "${env:" not in text and "<<" not in text and "\\0" not in text:
        assert read(text) == value


@given(VALUES)
def test_other_yaml_readers_read_text_as_text(value: object) -> None:
    """YAML 1.1 readers take other words for numbers and booleans: those are quoted too. Their floats want a dot."""
    if isinstance(value, str):
        assert yaml.safe_load(write_yaml({"key": value})) == {"key": value}


@pytest.mark.parametrize(("value", "text"), [(2e-5, "2e-5"), (1e16, "1e+16"), (0.1, "0.1"), (20.0, "20.0")])
def test_floats_are_written_as_people_write_them(value: float, text: str) -> None:
    assert write_yaml(value, flow=True) == text
