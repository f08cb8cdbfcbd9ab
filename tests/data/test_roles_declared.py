"""Declared roles: aliases, inverted maps, near misses, each with the line to write instead."""

from __future__ import annotations

import pytest
import yaml

from embtune.catalog import LabelKind, find_spec
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row
from embtune.errors import ConfigError, DataError, Location

HERE = Location("data.jsonl", 1)


def rows(**columns: object) -> list[Row]:
    return [Row(columns, HERE)] * 3


def problems(declared: dict[str, str], sample: list[Row]) -> list[tuple[str, str | None]]:
    with pytest.raises(ConfigError) as caught:
        declared_layout(declared, sample)
    return [(problem.code, problem.hint) for problem in caught.value.problems]


def test_other_names_of_roles_are_canonical_afterwards() -> None:
    layout = declared_layout(
        {"query": "q", "passage_1": "p", "passage_2": "n", "margin": "m"}, rows(q="a", p="b", n="c", m=3.2, extra="x")
    )
    assert layout.columns == {"anchor": "q", "positive": "p", "negative": "n"}
    assert (layout.label_column, layout.label) == ("m", LabelKind.MARGIN)


def test_numbered_negatives_are_counted_without_gaps() -> None:
    sample = rows(q="a", p="b", x="c", y="d")
    layout = declared_layout({"anchor": "q", "positive": "p", "negative_2": "x", "negative_7": "y"}, sample)
    assert layout.roles == ("anchor", "positive", "negative_1", "negative_2")


def test_a_list_column_is_the_role_negatives_however_it_is_called() -> None:
    sample = rows(q="a", p="b", n=["c", "d"])
    for name in ("negative", "negatives"):
        assert declared_layout({"anchor": "q", "positive": "p", name: "n"}, sample).roles[-1] == "negatives"


def test_a_label_makes_a_pair_a_sentence_pair_and_its_absence_a_positive_one() -> None:
    sample = rows(q="a", p="b", s=0.5)
    labelled = declared_layout({"anchor": "q", "positive": "p", "score": "s"}, sample)
    assert (labelled.roles, labelled.label) == (("sentence_A", "sentence_B"), LabelKind.SCORE)
    plain = declared_layout({"sentence1": "q", "sentence2": "p"}, sample)
    assert (plain.roles, plain.label) == (("anchor", "positive"), LabelKind.NONE)


def test_the_chosen_loss_decides_how_0_and_1_are_read() -> None:
    sample = [Row({"a": "x", "b": "y", "l": label}, HERE) for label in (0, 1)]
    columns = {"sentence1": "a", "sentence2": "b", "label": "l"}
    kinds = {name: declared_layout(columns, sample, find_spec(name).formats).label for name in ("softmax", "cosent")}
    assert kinds == {"softmax": LabelKind.CLASS, "cosent": LabelKind.SCORE}
    assert declared_layout(columns, sample).label is LabelKind.BINARY


def test_one_text_may_play_two_roles() -> None:
    assert declared_layout({"anchor": "t", "positive": "t"}, rows(t="a")).columns == {"anchor": "t", "positive": "t"}


def test_an_inverted_map_is_one_problem_with_the_right_line() -> None:
    found = problems({"question": "anchor", "answer": "positive"}, rows(question="a", answer="b"))
    assert found == [("inverted-columns", "write columns: {anchor: question, positive: answer}")]


def test_an_inverted_map_is_seen_when_its_columns_are_called_as_roles_are() -> None:
    found = problems({"query": "anchor", "document": "positive"}, rows(query="a", document="b"))
    assert found == [("inverted-columns", "write columns: {anchor: query, positive: document}")]


def test_roles_read_from_columns_that_are_called_as_other_roles_are_no_inversion() -> None:
    sample = rows(anchor="a", positive="b")
    assert declared_layout({"anchor": "positive", "positive": "anchor"}, sample).columns["anchor"] == "positive"
    assert [code for code, _ in problems({"anchor": "positive", "positive": "anser"}, sample)] == ["missing-column"]


@pytest.mark.parametrize(
    ("declared", "column", "right"),
    [
        ({"anchor": "question"}, "question ", {"anchor": "question "}),
        ({"anchor": "question"}, "\ufeffquestion", {"anchor": "\ufeffquestion"}),
        ({"anchor": "Question"}, "question", {"anchor": "question"}),
        ({"Anchor": "question"}, "question", {"anchor": "question"}),
        ({"anchor ": "questoin"}, "question", {"anchor": "question"}),
    ],
)
def test_near_misses_come_with_a_line_that_is_valid_yaml(
    declared: dict[str, str], column: str, right: dict[str, str]
) -> None:
    for _, hint in problems(declared, rows(**{column: "a"})):
        assert hint is not None
        assert yaml.safe_load(hint.removeprefix("write ")) == {"columns": right}


def test_every_mistake_is_reported_at_once() -> None:
    found = problems({"ancor": "question", "positive": "nowhere"}, rows(question="a", answer="b"))
    assert [code for code, _ in found] == ["unknown-role", "missing-column"]


def test_two_names_of_one_role_clash() -> None:
    assert [code for code, _ in problems({"query": "q", "anchor": "p"}, rows(q="a", p="b"))] == ["duplicate-role"]


def test_a_label_alone_is_not_enough() -> None:
    assert [code for code, _ in problems({"label": "l"}, rows(l=1))] == ["missing-role"]


def test_no_rows_are_no_layout() -> None:
    with pytest.raises(DataError, match="no rows"):
        declared_layout({"text": "t"}, [])


@pytest.mark.parametrize(("extra", "kind"), [(0, LabelKind.MARGIN), (1, LabelKind.SCORES)])
def test_how_long_its_lists_are_decides_what_a_label_beside_listed_negatives_is(extra: int, kind: LabelKind) -> None:
    lists = [["c"], ["c", "d", "e"], ["c", "d"]]
    sample = [Row({"q": "a", "p": "b", "n": each, "y": [1.5] * (len(each) + extra)}, HERE) for each in lists]
    sample.append(Row({"q": "a", "p": "b", "n": ["c"], "y": [1.5] * 3}, HERE))  # one bad row does not decide
    columns = {"anchor": "q", "positive": "p", "negatives": "n", "label": "y"}
    assert declared_layout(columns, sample).label is kind
    named = [Row(dict(zip(columns, row.values.values(), strict=True)), row.location) for row in sample]
    assert detect_layout(named).label is kind
