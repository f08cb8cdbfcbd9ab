"""Broken YAML is a located error, and what YAML allows but a config does not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_text import BASE, BASE_LINES, excerpt, only_problem, problems_of

from embtune.config import load_config
from embtune.errors import ConfigError, Problem

AT = BASE_LINES + 1  # the first line after BASE


def file_problem(path: Path, content: bytes) -> Problem:
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    (problem,) = raised.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("train:\n\tbatch_size: 3\n", AT + 1, 1, "tab"),
        ("train: {batch_size: 3\n", AT, 8, "not closed"),
        ("modifiers: [1, 2\n", AT, 12, "not closed"),
        ('seed: "abc\n', AT, 7, "never closed"),
        ("seed: a: b\n", AT, 8, "second 'key: value'"),
        ("seed: @a\n", AT, 7, "cannot start with '@'"),
        ("seed: *a\n", AT, 7, "without its anchor"),
        ("---\nseed: 3\n", AT, 1, "second document"),
        ("seed\n", AT, 1, "no 'key: value'"),
        ('seed: "\\q"\n', AT, 9, "escape"),
        ("seed: \x07\n", AT, 7, "U+0007"),
    ],
)
def test_broken_yaml_is_one_located_error(text: str, line: int, column: int, words: str) -> None:
    problem = only_problem(BASE + text)
    assert problem.code == "yaml-syntax"
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (line, column)
    assert words in problem.message


def test_duplicate_keys_are_errors_that_name_the_first() -> None:
    problem = only_problem(BASE + "train:\n  batch_size: 3\n  batch_size: 4\n")
    assert (problem.code, excerpt(problem)) == ("duplicate-key", "batch_size")
    assert problem.location is not None
    assert problem.location.line == AT + 2
    assert problem.hint == f"it is first on line {AT + 1}; keep one"


def test_a_duplicate_does_not_hide_other_mistakes() -> None:
    found = problems_of(BASE + "seed: 1\nseed: 2\nsead: 3\n")
    assert [problem.code for problem in found] == ["duplicate-key", "unknown-key"]


def test_merge_keys_are_refused_with_the_way_to_do_it() -> None:
    problem = only_problem(BASE + "train: {<<: {seed: 3}}\n")
    assert problem.hint is not None
    assert "extends" in problem.hint


def test_anchors_and_aliases_are_read() -> None:
    found = problems_of(BASE + "logging: &steps {steps: 5}\neval: *steps\nhub: *steps\n")
    assert [excerpt(problem) for problem in found] == ["steps"]  # hub has no steps; the other two are fine


@pytest.mark.parametrize("text", ["seed: &a [*a]\n", "plugins: &a {b: *a}\n"])
def test_an_alias_of_itself_is_one_error(text: str) -> None:
    assert only_problem(BASE + text).code == "too-large"


def test_aliases_cannot_blow_up() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    assert "too-large" in {problem.code for problem in problems_of(BASE + bomb)}


def test_deep_nesting_is_an_error() -> None:
    assert only_problem(BASE + "seed: " + "[" * 20_000).code == "yaml-syntax"


@pytest.mark.parametrize("value", ["!!python/object/apply:os.system [ls]", "!secret x", "!!binary aGk="])
def test_tags_construct_nothing(value: str) -> None:
    assert only_problem(BASE + f"output: {value}\n".replace("output", "seed")).code == "yaml-tag"


@pytest.mark.parametrize("value", ["!!int x", "9" * 5000])
def test_numbers_that_cannot_be_are_errors(value: str) -> None:
    assert only_problem(BASE + f"seed: {value}\n").code == "bad-value"


@pytest.mark.parametrize("key", ["1: 3", "true: 3", "? [a]\n: 3", '"a\\0b": 3'])
def test_keys_are_words(key: str) -> None:
    assert only_problem(BASE + key + "\n").code == "wrong-type"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_config_says_what_is_least(text: str) -> None:
    problem = only_problem(text)
    assert problem.code in ("empty-config", "wrong-type")


@pytest.mark.parametrize("text", ["- a\n", "word\n", "3\n"])
def test_a_config_is_made_of_keys(text: str) -> None:
    assert only_problem(text).code == "wrong-type"


def test_another_encoding_is_told_with_byte_and_line(tmp_path: Path) -> None:
    problem = file_problem(tmp_path / "c.yaml", b"seed: 1\noutput_dir: caf\xe9\n")
    assert problem.code == "wrong-encoding"
    assert "0xe9 at position 23" in problem.message
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (2, 16)


def test_utf_16_is_named(tmp_path: Path) -> None:
    assert "UTF-16" in file_problem(tmp_path / "c.yaml", BASE.encode("utf-16")).message


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BASE.encode())
    assert load_config(path).config.output_dir == "r"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_by_any_ending(tmp_path: Path, ending: str) -> None:
    problem = file_problem(tmp_path / "c.yaml", (BASE + "sead: 1\n").replace("\n", ending).encode())
    assert problem.location is not None
    assert (problem.location.line, problem.source_line) == (AT, "sead: 1")


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(BASE)
    with pytest.raises(ConfigError) as raised:
        load_config(tmp_path / "confg.yaml")
    (problem,) = raised.value.problems
    assert problem.code == "no-such-file"
    assert problem.hint == f"did you mean {tmp_path / 'config.yaml'}?"


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(tmp_path)
    assert raised.value.problems[0].code == "not-a-file"
