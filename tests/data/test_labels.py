from __future__ import annotations

import numpy as np
import pytest

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples, load_examples
from embtune.data.layout import Layout
from embtune.data.row import Row
from embtune.errors import DataError, Location, Problem

NUMBERED = ("anchor", "positive", "negative_1", "negative_2")


def load(
    kind: LabelKind, *labels: object, roles: tuple[str, ...] = ("text",), class_names: list[str] | None = None
) -> Examples:
    """Examples whose rows differ in nothing but the label."""
    layout = Layout({role: role for role in roles}, "y", kind, ())
    rows = [
        Row({**dict.fromkeys(roles, "some text"), "y": label}, Location("data.jsonl", line))
        for line, label in enumerate(labels, start=1)
    ]
    return load_examples(rows, layout, "demo", class_names=class_names)


def array(kind: LabelKind, *labels: object, roles: tuple[str, ...] = ("text",)) -> np.ndarray:
    """The labels as read."""
    found = load(kind, *labels, roles=roles).labels
    assert found is not None
    return found


def problems(
    kind: LabelKind, *labels: object, roles: tuple[str, ...] = ("text",), class_names: list[str] | None = None
) -> list[Problem]:
    """What is wrong with the labels."""
    with pytest.raises(DataError) as caught:
        load(kind, *labels, roles=roles, class_names=class_names)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        (["dog", "cat", "dog"], ("cat", "dog"), [1, 0, 1]),
        ([10, 9, -1], ("-1", "9", "10"), [2, 1, 0]),
        (["10", "9"], ("9", "10"), [1, 0]),
        ([2.0, 1.0], ("1", "2"), [1, 0]),
        (["b", 2], ("2", "b"), [1, 0]),
    ],
)
def test_classes_are_numbered_in_sorted_order(labels: list[object], names: tuple[str, ...], numbers: list[int]) -> None:
    examples = load(LabelKind.CLASS, *labels)
    assert examples.class_names == names
    assert examples.labels is not None
    assert examples.labels.dtype == np.int64
    assert examples.labels.tolist() == numbers


def test_evaluation_data_takes_the_classes_of_the_training_data() -> None:
    examples = load(LabelKind.CLASS, "dog", class_names=["cat", "dog", "emu"])
    assert examples.labels is not None
    assert examples.labels.tolist() == [1]
    assert examples.class_names == ("cat", "dog", "emu")
    assert (
        "'fox', which is no class of the training data"
        in problems(LabelKind.CLASS, "fox", class_names=["cat"])[0].message
    )


def test_binary_labels_may_be_numbers_booleans_or_their_spelling() -> None:
    labels = array(LabelKind.BINARY, 0, 1, 0.0, 1.0, True, False, "0", "1", "True", " false ")
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1, 0, 1, 1, 0, 0, 1, 1, 0]


def test_scores_may_be_numbers_or_their_spelling() -> None:
    labels = array(LabelKind.SCORE, 0, 1, 0.25, "0.5")
    assert labels.dtype == np.float32
    assert labels.tolist() == [0, 1, 0.25, 0.5]


def test_scores_of_another_scale_name_the_highest_of_all() -> None:
    *_, total = problems(LabelKind.SCORE, 0.5, 3.8, 4.75)
    assert total.hint is not None
    assert total.hint.startswith("the highest score is 4.75: divide all scores by the top of their scale")
    *_, total = problems(LabelKind.SCORE, -0.5, 1)
    assert total.hint is not None
    assert total.hint.startswith("the scores go from -0.5 to 1: shift and divide")


def test_teacher_embeddings_are_one_vector_a_row_or_one_a_text() -> None:
    assert array(LabelKind.VECTOR, [1, 2.5], "[3, 4]").tolist() == [[1, 2.5], [3, 4]]
    both = array(LabelKind.VECTOR, [[1, 2], [3, 4]], [[5, 6], [7, 8]], roles=("text_1", "text_2"))
    assert both.shape == (2, 2, 2)
    assert both[1, 0].tolist() == [5, 6]


def test_the_margin_of_a_lone_negative_is_one_number() -> None:
    labels = array(LabelKind.MARGIN, 1.5, [-2], roles=("anchor", "positive", "negative"))
    assert labels.tolist() == [1.5, -2]


def test_margins_and_scores_are_one_number_a_passage() -> None:
    assert array(LabelKind.MARGIN, [1, 2], roles=NUMBERED).tolist() == [[1, 2]]
    assert array(LabelKind.SCORES, [9, 1, 2], roles=NUMBERED).tolist() == [[9, 1, 2]]


def test_scores_of_ragged_negatives_are_padded_with_zero() -> None:
    layout = Layout({"anchor": "q", "positive": "a", "negatives": "n"}, "y", LabelKind.SCORES, ())
    values: list[dict[str, object]] = [
        {"q": "a", "a": "b", "n": ["c"], "y": [3, 1]},
        {"q": "a", "a": "b", "n": ["c", "d"], "y": [4, 1, 2]},
    ]
    examples = load_examples([Row(each, Location("f", 1)) for each in values], layout, "demo")
    assert examples.labels is not None
    assert examples.labels.tolist() == [[3, 1, 0], [4, 1, 2]]


@pytest.mark.parametrize(
    ("kind", "label", "code"),
    [
        (LabelKind.CLASS, None, "null-label"),
        (LabelKind.CLASS, float("nan"), "null-label"),
        (LabelKind.CLASS, "", "null-label"),
        (LabelKind.CLASS, 0.5, "label-not-class"),
        (LabelKind.CLASS, ["a"], "label-not-class"),
        (LabelKind.CLASS, float("inf"), "label-not-class"),
        (LabelKind.BINARY, None, "label-not-binary"),
        (LabelKind.BINARY, 2, "label-not-binary"),
        (LabelKind.BINARY, 0.5, "label-not-binary"),
        (LabelKind.BINARY, float("nan"), "label-not-binary"),
        (LabelKind.BINARY, "yes", "label-not-binary"),
        (LabelKind.SCORE, None, "null-label"),
        (LabelKind.SCORE, float("nan"), "label-not-finite"),
        (LabelKind.SCORE, "inf", "label-not-finite"),
        (LabelKind.SCORE, "high", "label-not-number"),
        (LabelKind.SCORE, True, "label-not-number"),
        (LabelKind.SCORE, 1.01, "score-range"),
        (LabelKind.SCORE, 10**400, "label-not-number"),
        (LabelKind.VECTOR, 3, "label-not-vector"),
        (LabelKind.VECTOR, [], "label-not-vector"),
        (LabelKind.VECTOR, [1, None], "null-label"),
        (LabelKind.VECTOR, [1, "a"], "label-not-number"),
        (LabelKind.VECTOR, [[1], [2]], "label-length"),
        (LabelKind.VECTOR, [[]], "vector-length"),
        (LabelKind.VECTOR, [1, [2]], "label-not-number"),
        (LabelKind.VECTOR, [1e39], "label-not-finite"),
    ],
)
def test_a_bad_label_is_named(kind: LabelKind, label: object, code: str) -> None:
    first = problems(kind, label)[0]
    assert first.code == code
    assert first.location == Location("data.jsonl", 1)
    assert first.message.startswith("label (column 'y') ")


def test_a_vector_of_another_length_is_named_with_both_lengths() -> None:
    first = problems(LabelKind.VECTOR, [1, 2], [1, 2, 3])[0]
    assert first.message == "label (column 'y') is one vector of 3, but the rows before have one vector of 2"


@pytest.mark.parametrize("label", [[1], [1, 2, 3], 4])
def test_the_number_of_margins_is_that_of_the_negatives(label: object) -> None:
    first = problems(LabelKind.MARGIN, label, roles=NUMBERED)[0]
    assert first.code == "label-length"
    assert first.message.endswith("expected 2: 2 negative(s)")


def test_the_number_of_scores_counts_the_positive() -> None:
    assert problems(LabelKind.SCORES, [1, 2], roles=NUMBERED)[0].message.endswith(
        "holds 2 number(s), expected 3: the positive and 2 negative(s)"
    )


def test_a_score_may_be_minus_infinity_but_not_every_score_and_no_margin() -> None:
    assert array(LabelKind.SCORES, [9, float("-inf"), 2], roles=NUMBERED).tolist() == [[9, float("-inf"), 2]]
    assert problems(LabelKind.SCORES, [float("-inf")] * 3, roles=NUMBERED)[0].code == "label-not-finite"
    assert problems(LabelKind.MARGIN, [float("-inf"), 2], roles=NUMBERED)[0].code == "label-not-finite"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_other_scores_that_are_not_finite_are_refused(bad: float) -> None:
    assert problems(LabelKind.SCORES, [9, bad, 2], roles=NUMBERED)[0].code == "label-not-finite"
