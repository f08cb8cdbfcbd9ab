"""What is said of data and settings that go together badly, short of refusing them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_run import write_config

from embtune.config import load_config
from embtune.errors import DataError
from embtune.pipeline.data_warnings import data_warnings, useless_noise
from embtune.pipeline.datasets import TrainSet, load_train_sets

WORDS = ("a", "number", "of", "tides", "come", "and", "go", "beside", "the", "glass", "bees", "of", "winter")


Rows = list[dict[str, object]]


def train_sets(folder: Path, loss: object, *sets: Rows) -> tuple[TrainSet, ...]:
    for number, rows in enumerate(sets):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"rows{number}.jsonl").write_text(lines, encoding="utf-8")
    data = {"train": [{"path": f"rows{number}.jsonl"} for number in range(len(sets))]}
    return load_train_sets(load_config(write_config(folder, data=data, loss=loss)))


def warned(sets: tuple[TrainSet, ...]) -> list[tuple[str, str]]:
    return list(data_warnings([each.learnt for each in sets]))


def damaged_rows(damaged: str, original: str) -> list[dict[str, object]]:
    """Texts that have lost every second word, under the two names."""
    return [{damaged: " ".join(WORDS[i % 3 :: 2]), original: f"{' '.join(WORDS)} {i}"} for i in range(20)]


def test_damaged_and_original_texts_that_are_swapped_are_told_with_the_line_to_write(tmp_path: Path) -> None:
    swapped, right = damaged_rows("original", "damaged"), damaged_rows("damaged", "original")
    ((code, text),) = warned(train_sets(tmp_path, "tsdae", swapped[:12] + right[12:]))
    assert code == "swapped-columns"
    assert "columns: {damaged: original, original: damaged}" in text
    assert not warned(train_sets(tmp_path, "tsdae", right))
    with pytest.raises(DataError, match=r"columns: \{damaged: original, original: damaged\}"):
        train_sets(tmp_path, "tsdae", swapped)


def test_noise_for_texts_that_are_damaged_already_is_said_to_do_nothing(tmp_path: Path) -> None:
    rows = damaged_rows("damaged", "original")
    texts: list[dict[str, object]] = [{"text": f"text {i}"} for i in range(9)]
    asked = {"name": "tsdae", "noise": "swap", "noise_ratio": 0.3}
    (text,) = useless_noise(train_sets(tmp_path, asked, rows))
    assert text.startswith("rows0: noise and noise_ratio of DenoisingAutoEncoderLoss has no effect")
    assert not list(useless_noise(train_sets(tmp_path, "tsdae", rows)))
    assert not list(useless_noise(train_sets(tmp_path, asked, texts)))


def labelled(*labels: object) -> Rows:
    return [{"sentence1": f"a {i}", "sentence2": f"b {i}", "label": label} for i, label in enumerate(labels * 5)]


def test_pairs_of_one_label_are_told_where_another_set_has_the_other_and_refused_where_none_has(tmp_path: Path) -> None:
    loss = "OnlineContrastiveLoss"
    assert [code for code, _ in warned(train_sets(tmp_path, loss, labelled(1), labelled(0)))] == ["one-label"] * 2
    assert not warned(train_sets(tmp_path, loss, labelled(1, 0)))
    with pytest.raises(DataError, match="label is 1 in all 5 rows") as caught:
        train_sets(tmp_path, loss, labelled(1), labelled(1))
    assert [problem.code for problem in caught.value.problems] == ["one-label"] * 2


def test_a_negative_that_is_its_positive_is_told_with_its_place(tmp_path: Path) -> None:
    rows: Rows = [{"anchor": f"q {i}", "positive": f"p {i}", "negative": f"{'pn'[i != 3]} {i}"} for i in range(9)]
    ((code, text),) = warned(train_sets(tmp_path, "TripletLoss", rows))
    assert code == "negative-is-positive"
    assert f"in 1 row ({tmp_path / 'rows0.jsonl'}:4)" in text


def test_a_classifier_of_one_class_is_refused_with_the_remedy(tmp_path: Path) -> None:
    message = r"have the same class, 'same' in column 'label', and SoftmaxLoss needs at least two"
    with pytest.raises(DataError, match=message) as caught:
        train_sets(tmp_path, "SoftmaxLoss", labelled("same"))
    assert "sentence_A: ..., sentence_B: ..., label: ..." in str(caught.value)
