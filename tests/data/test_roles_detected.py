"""Roles found by names and values, on hand-made rows."""

from __future__ import annotations

import pytest

from embtune.catalog import Format, LabelKind, find_spec
from embtune.catalog.formats import ANY
from embtune.data.roles import Layout, detect_layout
from embtune.data.row import Row
from embtune.errors import ConfigError, Location

HERE = Location("data.jsonl", 1)


def detect(columns: dict[str, list[object]], loss: str | None = None, *beside: Format) -> Layout:
    sample = [Row(dict(zip(columns, cells, strict=True)), HERE) for cells in zip(*columns.values(), strict=True)]
    return detect_layout(sample, (*find_spec(loss).formats, *beside) if loss else None)


def texts(word: str, count: int = 8) -> list[object]:
    return [f"{word} number {i} of a few" for i in range(count)]


CASES: list[tuple[dict[str, list[object]], tuple[str, ...], LabelKind]] = [
    ({"query": texts("q"), "document": texts("d")}, ("anchor", "positive"), LabelKind.NONE),
    ({"query": texts("q"), "text": texts("d")}, ("anchor", "positive"), LabelKind.NONE),
    ({"Question": texts("q"), "Answer": texts("a")}, ("anchor", "positive"), LabelKind.NONE),
    (
        {"anchor": texts("q"), "positive": texts("p"), "negative": texts("n")},
        ("anchor", "positive", "negative"),
        LabelKind.NONE,
    ),
    (
        {"anchor": texts("q"), "positive": texts("p"), "neg_1": texts("n"), "neg_2": texts("m")},
        ("anchor", "positive", "negative_1", "negative_2"),
        LabelKind.NONE,
    ),
    ({"query": texts("q"), "pos": texts("p"), "neg": [["x"]] * 8}, ("anchor", "positive", "negatives"), LabelKind.NONE),
    (
        {"query": texts("q"), "passage_1": texts("p"), "passage_2": texts("n"), "margin": [1.5] * 8},
        ("anchor", "positive", "negative"),
        LabelKind.MARGIN,
    ),
    (
        {"query": texts("q"), "positive": texts("p"), "negative": texts("n"), "scores": [[3.0, 1.0]] * 8},
        ("anchor", "positive", "negative"),
        LabelKind.SCORES,
    ),
    (
        {"sentence1": texts("a"), "sentence2": texts("b"), "score": [0.5, 1] * 4},
        ("sentence_A", "sentence_B"),
        LabelKind.SCORE,
    ),
    (
        {"text1": texts("a"), "text2": texts("b"), "label": ["0", "1"] * 4},
        ("sentence_A", "sentence_B"),
        LabelKind.BINARY,
    ),
    (
        {"text1": texts("a"), "text2": texts("b"), "label": [True, False] * 4},
        ("sentence_A", "sentence_B"),
        LabelKind.BINARY,
    ),
    (
        {"premise": texts("a"), "hypothesis": texts("b"), "label": [0, 2] * 4},
        ("sentence_A", "sentence_B"),
        LabelKind.CLASS,
    ),
    ({"noisy": texts("a"), "original": texts("b")}, ("damaged", "original"), LabelKind.NONE),
    ({"text": texts("t"), "embedding": [[0.1, 0.2]] * 8}, ("text",), LabelKind.VECTOR),
    ({"english": texts("e"), "german": texts("g"), "embedding": [[0.1]] * 8}, ("text_1", "text_2"), LabelKind.VECTOR),
    ({"utterance": texts("u"), "intent": ["go", "stop"] * 4}, ("text",), LabelKind.CLASS),
    ({"left": texts("u"), "right": texts("v"), "sim": [0.25, 0.5] * 4}, ("sentence_A", "sentence_B"), LabelKind.SCORE),
    ({"text": texts("t"), "source": ["web", "book"] * 4}, ("text",), LabelKind.NONE),
]


@pytest.mark.parametrize(("columns", "roles", "label"), CASES, ids=[" ".join(columns) for columns, _, _ in CASES])
def test_names_and_values_give_roles_and_label(
    columns: dict[str, list[object]], roles: tuple[str, ...], label: LabelKind
) -> None:
    layout = detect(columns)
    assert (layout.roles, layout.label) == (roles, label)


@pytest.mark.parametrize(("columns", "roles", "label"), CASES, ids=[" ".join(columns) for columns, _, _ in CASES])
def test_every_role_and_label_has_a_reason_that_names_its_column(
    columns: dict[str, list[object]], roles: tuple[str, ...], label: LabelKind
) -> None:
    layout = detect(columns)
    used = [*layout.columns.values(), *([layout.label_column] if layout.label_column else [])]
    assert len(layout.reasons) == len(used)
    assert all(repr(column) in reason for column, reason in zip(used, layout.reasons, strict=True))


def test_the_wanted_format_decides_between_readings_and_a_note_says_so() -> None:
    columns: dict[str, list[object]] = {"text": texts("t"), "topic": list("ab" * 4)}
    assert detect(columns).label is LabelKind.NONE
    triplets: dict[str, list[object]] = {
        "query": texts("q"),
        "positive": texts("p"),
        "negative": texts("n"),
        "margin": list(range(8)),
    }
    layout = detect(triplets, "MultipleNegativesRankingLoss")
    assert (layout.roles, layout.label) == (("anchor", "positive", "negative"), LabelKind.NONE)
    assert any("which the loss takes" in note for note in layout.notes)


@pytest.mark.parametrize(
    ("columns", "loss"),
    [
        ({"text": texts("t"), "topic": list("ab" * 4)}, "BatchHardTripletLoss"),
        ({"sentence1": texts("a"), "sentence2": texts("b"), "grade": [0.5, 1] * 4}, "CoSENTLoss"),
    ],
)
def test_a_loss_of_any_texts_beside_another_leaves_it_its_label(columns: dict[str, list[object]], loss: str) -> None:
    assert detect(columns).label is LabelKind.NONE
    assert detect(columns, loss, ANY) == detect(columns, loss)


def test_a_loss_for_pairs_leaves_negatives_out_aloud() -> None:
    columns = {"anchor": texts("q"), "positive": texts("p"), "negative": texts("n")}
    layout = detect(columns, "MultipleNegativesSymmetricRankingLoss")
    assert layout.roles == ("anchor", "positive")
    assert "not read: negative" in layout.notes


def test_a_label_that_judges_a_pair_is_never_left_out() -> None:
    columns: dict[str, list[object]] = {"anchor": texts("q"), "positive": texts("p"), "label": [0, 1] * 4}
    assert detect(columns, "MultipleNegativesRankingLoss").label is LabelKind.BINARY


def test_three_texts_without_telling_names_are_not_guessed() -> None:
    with pytest.raises(ConfigError, match=r"columns: \{anchor: left, positive: middle\}") as caught:
        detect({"left": texts("e"), "middle": texts("d"), "right": texts("f")})
    assert 'data.jsonl:1 has left "e number 0 of a few"' in str(caught.value)


def test_texts_in_many_languages_are_a_pair_of_two_and_the_notes_say_how_to_choose_others() -> None:
    layout = detect({"doc": ["a", "b"] * 4, "de": texts("d"), "en": texts("e"), "fr": texts("f")})
    assert layout.columns == {"anchor": "en", "positive": "de"}
    assert "columns: {anchor: en, positive: fr}" in layout.notes[0]
    assert "columns: {text_1: en, text_2: de, text_3: fr}" in layout.notes[1]


def test_pairs_in_many_languages_are_read_in_one_of_them() -> None:
    columns: dict[str, list[object]] = {
        f"{stem}_{code}": texts(code + stem) for stem in ("question", "answer") for code in ("fr", "de")
    }
    layout = detect(columns)
    assert layout.columns == {"anchor": "question_fr", "positive": "answer_fr"}
    assert any("columns: {anchor: question_de, positive: answer_de}" in note for note in layout.notes)


def test_names_that_only_look_like_languages_stay_undecided() -> None:
    with pytest.raises(ConfigError, match="undecided-roles"):
        detect({"to": texts("e"), "cc_list": texts("d"), "subject_line": texts("f")})


def test_two_columns_that_a_loss_could_take_for_its_label_are_refused_and_without_a_loss_the_first_is_taken() -> None:
    columns: dict[str, list[object]] = {
        "sentence1": texts("a"),
        "sentence2": texts("b"),
        "label": [0, 1] * 4,
        "score": [0.5, 0.25] * 4,
    }
    with pytest.raises(ConfigError, match="several-labels"):
        detect(columns, "CoSENTLoss")
    assert detect(columns, "SoftmaxLoss").label_column == "label"
    assert any(
        "declare columns: {sentence_A: sentence1, sentence_B: sentence2, label: score}" in note
        for note in detect(columns).notes
    )


def test_a_word_among_scores_does_not_make_classes_of_them() -> None:
    layout = detect({"sentence1": texts("a"), "sentence2": texts("b"), "score": [0.5, "high", *[0.25] * 6]})
    assert layout.label is LabelKind.SCORE


def test_a_table_without_texts_is_refused() -> None:
    with pytest.raises(ConfigError, match="no column holds texts"):
        detect({"a": [1, 2], "b": [0.5, 0.25]})


def test_scores_out_of_range_are_told_in_the_reason() -> None:
    layout = detect({"sentence1": texts("a"), "sentence2": texts("b"), "score": [0, 5] * 4})
    assert layout.label is LabelKind.SCORE
    assert "from 0 to 5" in layout.reasons[-1]
    assert "rescaled" in layout.reasons[-1]
