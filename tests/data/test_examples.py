from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from data_files import write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.catalog.spec import LabelKind
from embtune.config.words import OnBadRow
from embtune.data.examples import Examples, load_examples
from embtune.data.layout import Layout
from embtune.data.row import Row
from embtune.data.rows import read_rows
from embtune.errors import DataError, Location, Problem

PAIR = Layout({"anchor": "q", "positive": "a"}, None, LabelKind.NONE, ())
LIST = Layout({"anchor": "q", "positive": "a", "negatives": "n"}, None, LabelKind.NONE, ())


def rows_of(*values: dict[str, object]) -> list[Row]:
    """Rows of one file, a line each."""
    return [Row(each, Location("data.jsonl", line)) for line, each in enumerate(values, start=1)]


def load(layout: Layout, *values: dict[str, object], on_bad_row: OnBadRow = OnBadRow.ERROR) -> Examples:
    """The examples of these rows."""
    return load_examples(rows_of(*values), layout, "demo", on_bad_row)


def problems(layout: Layout, *values: dict[str, object]) -> list[Problem]:
    """What is wrong with these rows."""
    with pytest.raises(DataError) as caught:
        load(layout, *values)
    return list(caught.value.problems)


def texts_back(examples: Examples) -> list[list[str | None]]:
    """All texts, row by row, as they were."""
    return [[examples.text(row, role) for role in examples.roles] for row in range(len(examples))]


def test_each_distinct_text_is_kept_once_and_verbatim() -> None:
    examples = load(PAIR, {"q": "a ", "a": "b"}, {"q": "b", "a": "a "}, {"q": "\x00", "a": "a"})
    assert examples.texts == ["a ", "b", "\x00", "a"]
    assert examples.text_ids["anchor"].tolist() == [0, 1, 2]
    assert examples.text_ids["positive"].tolist() == [1, 0, 3]
    assert examples.text_ids["anchor"].dtype == np.int32


def test_columns_without_a_role_are_never_looked_at() -> None:
    assert len(load(PAIR, {"q": "a", "a": "b", "junk": None}, {"q": "c", "a": "d"})) == 2


def test_lists_of_negatives_are_expanded_and_padded() -> None:
    examples = load(LIST, {"q": "a", "a": "b", "n": ["c"]}, {"q": "d", "a": "e", "n": ["f", "c", "g"]})
    assert examples.roles == ("anchor", "positive", "negative_1", "negative_2", "negative_3")
    assert texts_back(examples) == [["a", "b", "c", None, None], ["d", "e", "f", "c", "g"]]
    assert examples.text_ids["negative_3"].tolist() == [-1, 6]


def test_a_cell_of_a_csv_file_may_hold_a_list_as_json() -> None:
    examples = load(LIST, {"q": "a", "a": "b", "n": '["c", "d"]'})
    assert texts_back(examples) == [["a", "b", "c", "d"]]


def test_null_ends_the_negatives_that_stand_in_columns_of_their_own() -> None:
    columns = {"anchor": "q", "positive": "a", "negative_1": "n1", "negative_2": "n2"}
    layout = Layout(columns, None, LabelKind.NONE, ())
    assert texts_back(load(layout, {"q": "a", "a": "b", "n1": "c", "n2": None})) == [["a", "b", "c", None]]
    assert problems(layout, {"q": "a", "a": "b", "n1": None, "n2": "c"})[0].code == "null-text"


@pytest.mark.parametrize(
    ("value", "code", "reason"),
    [
        (None, "null-text", "anchor (column 'q') is null or an empty cell, expected text"),
        ("", "empty-text", "anchor (column 'q') is empty"),
        (" \n\t", "empty-text", "anchor (column 'q') is only white space (' \\n\\t')"),
        (3, "not-text", "anchor (column 'q') is a number (3), expected text"),
        (True, "not-text", "anchor (column 'q') is a boolean (True), expected text"),
        (["a"], "not-text", "anchor (column 'q') is a list (['a']), expected text"),
        (b"a", "not-text", "anchor (column 'q') is bytes (b'a'), expected text"),
        ("a\ud83dz", "broken-text", "anchor (column 'q') holds a lone surrogate \\ud83d at character 1"),
    ],
)
def test_a_bad_text_is_named_by_line_role_column_and_reason(value: object, code: str, reason: str) -> None:
    first, total = problems(PAIR, {"q": "x", "a": "y"}, {"q": value, "a": "b"})
    assert (first.code, first.message, first.location) == (code, reason, Location("data.jsonl", 2))
    assert total.message == "1 of 2 rows of 'demo' cannot be used"
    assert total.hint is not None
    assert "on_bad_row: skip" in total.hint


def test_a_role_named_as_its_column_is_said_once() -> None:
    layout = Layout({"text": "text"}, None, LabelKind.NONE, ())
    assert problems(layout, {"text": None})[0].message == "text is null or an empty cell, expected text"


def test_a_row_without_the_column_says_what_it_has() -> None:
    assert problems(PAIR, {"Q": "x", "a": "y"})[0].message == "anchor: the row has no column 'q'; it has 'Q', 'a'"


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ([], "empty-list", "negatives (column 'n') is an empty list, expected at least one text"),
        ("c", "not-a-list", "negatives (column 'n') is a text ('c'), expected a list of texts"),
        (None, "not-a-list", "negatives (column 'n') is null, expected a list of texts"),
        (["c", None], "null-text", "negatives[1] (column 'n[1]') is null or an empty cell, expected text"),
    ],
)
def test_a_bad_list_of_negatives_is_named_by_place(value: object, code: str, message: str) -> None:
    first = problems(LIST, {"q": "a", "a": "b", "n": value})[0]
    assert (first.code, first.message) == (code, message)


def test_ten_bad_rows_are_shown_and_all_are_counted() -> None:
    bad: list[dict[str, object]] = [{"q": "x", "a": None}] * 25
    found = problems(PAIR, *bad, {"q": "x", "a": "y"})
    assert len(found) == 11
    assert found[-1].message == "25 of 26 rows of 'demo' cannot be used; 15 more are not shown"


def test_rows_that_could_not_be_read_are_counted_with_the_others(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"q": "a", "a": "b"}\noops\n{"q": "a", "a": 3}\n')
    with pytest.raises(DataError) as caught:
        load_examples(read_rows(str(path)), PAIR, "demo")
    assert [problem.code for problem in caught.value.problems] == ["broken-json", "not-text", "bad-rows"]


def test_skipped_rows_are_counted_and_leave_no_trace() -> None:
    good: list[dict[str, object]] = [{"q": f"q{i}", "a": f"a{i}"} for i in range(20)]
    examples = load(PAIR, *good, {"q": "trace", "a": None}, on_bad_row=OnBadRow.SKIP)
    assert (len(examples), examples.rows_skipped) == (20, 1)
    assert "trace" not in examples.texts
    assert examples.fingerprint == load(PAIR, *good).fingerprint


@pytest.mark.parametrize(("good", "bad", "fails"), [(1, 1, False), (18, 2, False), (17, 3, True), (0, 1, True)])
def test_skipping_has_a_limit_of_a_tenth_but_one_row_is_always_allowed(good: int, bad: int, fails: bool) -> None:
    answers = ["y"] * good + [""] * bad
    rows: list[dict[str, object]] = [{"q": "x", "a": answer} for answer in answers]
    if fails:
        with pytest.raises(DataError, match="too-many-bad-rows"):
            load(PAIR, *rows, on_bad_row=OnBadRow.SKIP)
    else:
        assert load(PAIR, *rows, on_bad_row=OnBadRow.SKIP).rows_skipped == bad


def test_no_row_at_all_is_an_error() -> None:
    assert problems(PAIR)[0].code == "no-rows"


def test_rows_know_their_place_over_several_files(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "1.jsonl", {"q": "a", "a": "b"})
    second = write_lines(tmp_path / "2.jsonl", {"q": "c", "a": "d"}, {"q": "e", "a": "f"})
    examples = load_examples(read_rows("*.jsonl", tmp_path), PAIR, "demo")
    assert [str(examples.location(row)) for row in range(3)] == [f"{first}:1", f"{second}:1", f"{second}:2"]


def test_the_fingerprint_is_of_content_and_order_alone() -> None:
    rows: list[dict[str, object]] = [{"q": "a", "a": "b"}, {"q": "c", "a": "d"}]
    base = load(PAIR, *rows).fingerprint
    assert load_examples(rows_of(*rows), PAIR, "other name").fingerprint == base
    assert load(PAIR, *reversed(rows)).fingerprint != base
    assert load(PAIR, rows[0], {"q": "c", "a": "D"}).fingerprint != base
    assert load(PAIR, {"q": "ab", "a": "b"}).fingerprint != load(PAIR, {"q": "a", "a": "bb"}).fingerprint
    swapped = Layout({"anchor": "a", "positive": "q"}, None, LabelKind.NONE, ())
    assert load(swapped, *rows).fingerprint != base


def test_the_fingerprint_sees_labels() -> None:
    layout = Layout({"sentence_A": "q", "sentence_B": "a"}, "y", LabelKind.SCORE, ())
    one, other = (load(layout, {"q": "a", "a": "b", "y": score}) for score in (0.25, 0.5))
    assert one.fingerprint != other.fingerprint


TEXT = st.sampled_from(["a", "b", "c", "d", "e"])
ROW = st.builds(lambda q, a, n: {"q": q, "a": a, "n": n}, TEXT, TEXT, st.lists(TEXT, min_size=1, max_size=3))


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), st.data())
def test_selected_rows_are_the_rows_as_they_were(values: list[dict[str, object]], data: st.DataObject) -> None:
    examples = load(LIST, *values)
    rows = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=12))
    chosen = examples.select(np.array(rows))
    assert texts_back(chosen) == [texts_back(examples)[row] for row in rows]
    assert [chosen.location(i) for i in range(len(rows))] == [examples.location(row) for row in rows]
    assert set(chosen.texts) == {text for row in texts_back(chosen) for text in row if text is not None}


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12))
def test_selecting_all_rows_keeps_the_fingerprint(values: list[dict[str, object]]) -> None:
    examples = load(LIST, *values)
    assert examples.select(np.arange(len(values))).fingerprint == examples.fingerprint


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["q", "a", "n"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2), max_leaves=4,
)), min_size=1, max_size=6), st.sampled_from(list(LabelKind)))  # fmt: skip
def test_no_row_of_json_ends_in_another_error(values: list[dict[str, object]], kind: LabelKind) -> None:
    layout = Layout({"anchor": "q", "positive": "a"}, None if kind is LabelKind.NONE else "n", kind, ())
    with suppress(DataError):
        examples = load(layout, *values, on_bad_row=OnBadRow.SKIP)
        assert len(examples) + examples.rows_skipped == len(values)
