"""What cannot be converted is refused with the reason; what can be read row by row is; rows keep their places."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from conversion_cases import Values, converted

from embtune.catalog.conversions import Target
from embtune.data.conversions.tally import Tally
from embtune.data.converting import Wish, converted_rows, plan_rows
from embtune.data.row import Row
from embtune.errors import ConfigError, DataError, EmbtuneError, Location


def pairs(labels: list[object]) -> list[Values]:
    return [{"sentence_A": f"a {i}", "sentence_B": f"b {i}", "label": label} for i, label in enumerate(labels)]


def scored(scores: list[float]) -> list[Values]:
    return [{"sentence_A": f"a {i}", "sentence_B": f"b {i}", "score": score} for i, score in enumerate(scores)]


ONE_CLASS: list[Values] = [{"text": f"text {i}", "label": "red"} for i in range(4)]
LONE_TEXTS: list[Values] = [{"text": f"text {i}", "label": f"class {i}"} for i in range(4)]
PAIRS: list[Values] = [{"anchor": "a", "positive": "b"}]
REFUSED: list[tuple[list[Values], str, dict[str, Any], type[EmbtuneError], str]] = [
    (ONE_CLASS, "pairs", {}, DataError, "all 4 rows are of the class 'red'"),
    (ONE_CLASS, "triplets", {}, DataError, "all 4 rows are of the class 'red'"),
    (LONE_TEXTS, "pairs", {}, DataError, "none of the 4 classes has two different texts"),
    (pairs(["neutral", "contradiction"]), "pairs", {}, DataError, "no pairs can be made of its 2 rows"),
    (pairs(["neutral", "neutral"]), "triplets", {}, DataError, "the step before makes nothing"),
    (pairs(["entailment", "neutral"]), "triplets", {}, DataError, "had no text labelled 0"),
    (pairs(["yes", "no"]), "triplets", {}, DataError, "does not say whether one text follows"),
    (pairs([0, 0]), "pairs", {}, DataError, "2 rows labelled 0"),
    (scored([0.1, 0.45]), "binary", {"threshold": 0.9}, DataError, "all 2 pairs with 1 or 0 would be labelled 0"),
    (scored([0.1, 0.45]), "binary", {"threshold": 0.0}, DataError, "would be labelled 1"),
    (scored([0.1, 0.45]), "pairs", {"threshold": 0.9}, DataError, "no pairs can be made of its 2 rows"),
    (scored([0.1, 4.5]), "pairs", {}, DataError, "expected a score from 0 to 1"),
    ([{"text": "one"}, {"text": "one"}], "binary", {}, DataError, "one distinct text"),
    ([{"text": "word"}, {"text": "other"}], "damaged", {}, DataError, "2 texts lost no word"),
    (PAIRS, "pairs", {}, ConfigError, "the data is pairs already"),
    (PAIRS, "triplets", {}, ConfigError, "no triplets can be made of this data (anchor, positive)"),
    (ONE_CLASS, "triplets", {"threshold": 0.5}, ConfigError, "threshold has no effect"),
    ([], "pairs", {}, DataError, "no rows"),
]


@pytest.mark.parametrize(("rows", "to", "options", "kind", "reason"), REFUSED, ids=[each[4] for each in REFUSED])
def test_data_that_does_not_yield_what_is_wanted_is_refused(
    rows: list[Values], to: str, options: dict[str, Any], kind: type[EmbtuneError], reason: str
) -> None:
    with pytest.raises(kind) as caught:
        converted(rows, to, columns=None if rows else {"text": "text"}, **options)
    assert reason in str(caught.value)


def test_numbers_are_read_as_relations_and_it_is_said_so() -> None:
    labels: list[object] = [0, 1, 2, -1]
    found, tally = converted(pairs(labels), "binary")
    assert [row["label"] for row in found] == [1, 0]
    assert any("0, 1 and 2 are read as entailment, neutral and contradiction" in note for note in tally.notes)
    assert tally.reasons() == ["1 row labelled neutral", "1 row labelled as not judged"]


def test_what_is_left_out_is_counted_in_a_sentence() -> None:
    rows = [
        *pairs(["entailment", "neutral", "entailment"]),
        {**pairs([0])[0], "sentence_B": "c", "label": "contradiction"},
    ]
    _, tally = converted(rows, "triplets")
    expected = (
        "1 triplets from 4 rows; 1 row labelled neutral; 1 pair had no text labelled 0 beside either of its texts"
    )
    assert tally.sentence("triplets") == expected


@pytest.mark.parametrize(
    ("row", "to"),
    [
        ({"text": "some words number {}"}, "damaged"),
        ({"text": "some words number {}"}, "pairs"),
        ({"sentence_A": "a {}", "sentence_B": "b {}", "score": 0.75}, "pairs"),
        ({"sentence_A": "a {}", "sentence_B": "b {}", "label": "entailment"}, "pairs"),
        ({"anchor": "a {}", "positive": "b {}", "negative": "c {}"}, "pairs"),
        ({"anchor": "a {}", "positive": "b {}", "negatives": ["c {}", "d"]}, "triplets"),
    ],
)
def test_endless_data_is_converted_row_by_row_and_rows_keep_their_places(row: Values, to: str) -> None:
    def endless() -> Iterator[Row]:
        for line in itertools.count(1):
            values = {name: value.format(line) if isinstance(value, str) else value for name, value in row.items()}
            yield Row(values, Location("rows.jsonl", line))

    columns = {("label" if name == "score" else name): name for name in row}
    plan = plan_rows(Wish(Target(to), {}, 42), list(itertools.islice(endless(), 20)), columns)
    made = converted_rows(endless(), plan, "rows", Tally())
    lines = [each.location.line for each in itertools.islice(made, 50)]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert lines[0] == 1
