"""One pass over rows tells what all rows in memory would tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embtune.catalog import LabelKind
from embtune.data.examples import load_examples
from embtune.data.found import listed_places
from embtune.data.layout import Layout
from embtune.data.repeats import repeats, shared_rows
from embtune.data.row import Row
from embtune.data.row_hashes import HashCollector, plain_form
from embtune.data.row_sample import RowSample
from embtune.data.summary import summarise
from embtune.data.survey import LONG, Survey, Surveyed
from embtune.errors import Location

TEXT = st.sampled_from(["river", "River!", "train", "a train", "bees", "glass"])
ROLES = {
    LabelKind.NONE: ("anchor", "positive", "negative_1", "negative_2"),
    LabelKind.CLASS: ("text",),
    LabelKind.BINARY: ("sentence_A", "sentence_B"),
    LabelKind.SCORE: ("sentence_A", "sentence_B"),
}
LABELS = {
    LabelKind.CLASS: st.sampled_from(["x", "y", "z"]),
    LabelKind.BINARY: st.sampled_from([0, 1, True]),
    LabelKind.SCORE: st.sampled_from([0.25, 0.5, 1.0]),
}


def layout_of(kind: LabelKind, roles: Sequence[str] | None = None) -> Layout:
    return Layout({role: role for role in roles or ROLES[kind]}, None if kind is LabelKind.NONE else "label", kind, ())


def rows_of(*values: Mapping[str, object]) -> list[Row]:
    return [Row(dict(each), Location("a.jsonl", line)) for line, each in enumerate(values, start=1)]


def survey(rows: Sequence[Row], layout: Layout) -> Surveyed:
    found = Survey(layout)
    for row in rows:
        found.add(row)
    return found.surveyed()


@st.composite
def tables(draw: st.DrawFn) -> tuple[Layout, list[Row]]:
    kind = draw(st.sampled_from(list(ROLES)))
    cells: dict[str, st.SearchStrategy[object]] = dict.fromkeys(ROLES[kind], TEXT)
    if kind is not LabelKind.NONE:
        cells["label"] = LABELS[kind]
    return layout_of(kind), rows_of(*draw(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=30)))


@given(tables())
def test_a_stream_is_summarised_as_the_same_rows_in_memory_are(table: tuple[Layout, list[Row]]) -> None:
    layout, rows = table
    whole = summarise(load_examples(rows, layout, "rows"))
    found = survey(rows, layout).summary
    assert found is not None
    firsts = {name: replace(each, places=each.places[:1]) for name, each in found.classes.items()}
    assert replace(found, lengths={}, classes=firsts) == replace(whole, lengths={})
    assert found.lengths.keys() == whole.lengths.keys()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_repeats_are_the_rows_whose_value_was_there_before(values: list[int]) -> None:
    collector = HashCollector(("text",))
    for line, value in enumerate(values, start=1):
        collector.add([str(value)], Location("a.jsonl", line))
    hashes = collector.hashes()
    found = repeats(hashes.rows(), hashes.places)
    again = [row for row, value in enumerate(values) if value in values[:row]]
    assert found.found.count == len(again)
    assert [place.line for place in found.found.places] == [row + 1 for row in again[:5]]
    assert [place.line for place in found.earlier] == [values.index(values[row]) + 1 for row in again[:5]]


def test_the_same_words_are_near_and_other_words_are_not() -> None:
    assert plain_form("What is  it?") == plain_form("what is it") == plain_form("WHAT, is it!")
    assert plain_form("\uff37hat is it") == plain_form("what is it")  # a wide letter
    assert plain_form("What was it?") != plain_form("what is it")
    assert plain_form("?!") != plain_form("...")


def test_rows_of_one_set_whose_first_text_another_has_are_found_with_their_places() -> None:
    trained, held = HashCollector(("anchor", "positive")), HashCollector(("anchor", "positive"))
    for line in range(1, 9):
        trained.add([f"q {line}", f"a {line}"], Location("train.jsonl", line))
        held.add([f"q {line + 6}", "another answer"], Location("dev.jsonl", line))
    found = shared_rows(held.hashes(), trained.hashes())
    assert (found.count, [str(place) for place in found.places]) == (2, ["dev.jsonl:1", "dev.jsonl:2"])


def test_bad_cells_are_counted_by_kind_and_role_with_the_first_five_places() -> None:
    good: dict[str, object] = {"anchor": "q", "positive": "a"}
    rows = rows_of(*[good | {"positive": None}] * 7, *[good | {"anchor": ""}] * 2, good, good | {"positive": 3})
    found = survey(rows, layout_of(LabelKind.NONE, ("anchor", "positive")))
    assert (found.rows, found.bad) == (11, 10)
    kinds = [(kind.code, kind.role, kind.count, len(kind.first)) for kind in found.bad_cells]
    assert kinds == [("null-text", "positive", 7, 5), ("empty-text", "anchor", 2, 2), ("not-text", "positive", 1, 1)]


def test_long_texts_and_negatives_are_counted() -> None:
    rows = rows_of(
        *({"anchor": "q", "positive": "a" * (LONG + (n > 2)), "negatives": ["x"] * (n % 3 + 1)} for n in range(6))
    )
    found = survey(rows, layout_of(LabelKind.NONE, ("anchor", "positive", "negatives")))
    assert found.negatives == {1: 2, 2: 2, 3: 2}
    assert {role: str(each) for role, each in found.long.items()} == {"positive": "a.jsonl:4, 5, 6"}


def test_scores_are_counted_in_tenths() -> None:
    rows = rows_of(*({"sentence_A": "a", "sentence_B": "b", "label": score} for score in (0, 0.05, 0.95, 1, 0.5)))
    numbers = survey(rows, layout_of(LabelKind.SCORE)).numbers
    assert numbers is not None
    assert (numbers.lowest, numbers.highest, numbers.mean) == pytest.approx((0, 1, 0.5))
    assert numbers.tenths == (2, 0, 0, 0, 0, 1, 0, 0, 0, 2)


def test_a_sample_is_all_rows_of_few_and_fair_to_many() -> None:
    few, many = RowSample(), RowSample(100)
    for row in range(10_000):
        many.add(Location("a", row), ["text"])
        if row < 500:
            few.add(Location("a", row), ["text"])
    assert [row.number for row in few.rows()] == list(range(500))
    numbers = [row.number for row in many.rows()]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 100
    tenths = Counter(number // 1000 for number in numbers)
    assert min(tenths[tenth] for tenth in range(10)) >= 2  # ten are expected of each


def test_a_sample_of_very_long_texts_is_a_smaller_one() -> None:
    sample = RowSample(1000)
    for row in range(1000):
        sample.add(Location("a", row), ["x" * 100_000])
    kept = sample.rows()
    assert sum(len(row.texts[0] or "") for row in kept) <= 1 << 25
    assert len(kept) > 80


def test_places_are_written_with_their_path_where_it_changes() -> None:
    places = [Location("a", 1), Location("a", 5), Location("b", 2), Location("b", 3)]
    assert listed_places(places, [" as 1", "", "", ""]) == "a:1 as 1, 5, b:2, 3"
