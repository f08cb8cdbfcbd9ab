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


def train_sets(folder: Path, rows: list[dict[str, object]], loss: object) -> tuple[TrainSet, ...]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = {"train": [{"path": "rows.jsonl"}]}
    return load_train_sets(load_config(write_config(folder, data=data, loss=loss)))


def damaged_rows(damaged: str, original: str) -> list[dict[str, object]]:
    """Texts that have lost every second word, under the two names."""
    return [{damaged: " ".join(WORDS[i % 3 :: 2]), original: f"{' '.join(WORDS)} {i}"} for i in range(20)]


def test_damaged_and_original_texts_that_are_swapped_are_told_with_the_line_to_write(tmp_path: Path) -> None:
    swapped = train_sets(tmp_path, damaged_rows("original", "damaged"), "tsdae")
    ((code, text),) = data_warnings(swapped)
    assert code == "swapped-columns"
    assert "columns: {damaged: original, original: damaged}" in text
    assert not list(data_warnings(train_sets(tmp_path, damaged_rows("damaged", "original"), "tsdae")))


def test_noise_for_texts_that_are_damaged_already_is_said_to_do_nothing(tmp_path: Path) -> None:
    rows = damaged_rows("damaged", "original")
    texts: list[dict[str, object]] = [{"text": f"text {i}"} for i in range(9)]
    asked = {"name": "tsdae", "noise": "swap", "noise_ratio": 0.3}
    (text,) = useless_noise(train_sets(tmp_path, rows, asked))
    assert text.startswith("rows: noise and noise_ratio of DenoisingAutoEncoderLoss has no effect")
    assert not list(useless_noise(train_sets(tmp_path, rows, "tsdae")))
    assert not list(useless_noise(train_sets(tmp_path, texts, asked)))


@pytest.mark.parametrize(("labels", "told"), [([1, 1, 1], 1), ([1, 0, 1], 0)])
def test_pairs_of_one_label_are_told(tmp_path: Path, labels: list[int], told: int) -> None:
    rows: list[dict[str, object]] = [
        {"sentence1": f"a {i}", "sentence2": f"b {i}", "label": label} for i, label in enumerate(labels * 5)
    ]
    found = list(data_warnings(train_sets(tmp_path, rows, {"name": "OnlineContrastiveLoss"})))
    assert [code for code, _ in found] == ["one-label"] * told


def test_a_classifier_of_one_class_is_refused_with_the_remedy(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "label": "same"} for i in range(9)]
    with pytest.raises(DataError, match=r"have the same class, and SoftmaxLoss needs at least two") as caught:
        train_sets(tmp_path, rows, "SoftmaxLoss")
    assert "sentence_A: ..., sentence_B: ..., label: ..." in str(caught.value)
