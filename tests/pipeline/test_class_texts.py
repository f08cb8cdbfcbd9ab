"""Texts with a class, from the config to the saved model: what is learnt, logged, warned about and refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from command import run_embtune
from small_run import TOPICS, write_config


def write_texts(path: Path, classes: Sequence[str], seed: int = 0) -> None:
    """A few words and one of the class in each text, as JSON Lines."""
    rng = np.random.default_rng(seed)
    rows = (
        {"text": f"{' '.join(rng.choice(TOPICS, size=3))} {label}s {row}", "label": label}
        for row, label in enumerate(classes)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def class_config(folder: Path, classes: Sequence[str], **changes: object) -> Path:
    """The small run on texts of these classes, evaluated on twenty others."""
    config = write_config(folder, **{"loss": "BatchHardTripletLoss", **changes})
    write_texts(folder / "train.jsonl", classes)
    write_texts(folder / "dev.jsonl", [f"kind{row % 4}" for row in range(40)], seed=1)
    return config


def events(folder: Path, kind: str) -> list[dict[str, object]]:
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


@pytest.mark.parametrize("loss", ["BatchAllTripletLoss", "BatchHardSoftMarginTripletLoss"])
def test_classes_are_learnt_and_triplets_logged(tmp_path: Path, loss: str) -> None:
    static = {"name_or_path": "scratch:static?width=32"}
    train = {"num_train_epochs": 4, "batch_size": 16, "learning_rate": 0.03}
    config = class_config(tmp_path, [f"kind{row % 4}" for row in range(80)], loss=loss, model=static, train=train)
    done = run_embtune("train", config, "--json", "--progress", "plain")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    key = "dev/nearest_centroid_accuracy"
    assert result["metrics_after"][key] > result["metrics_before"][key]
    assert "warning" not in done.stderr
    for step in events(tmp_path, "step"):
        counts = step["counts"]
        assert isinstance(counts, dict)
        assert counts["valid_triplets"] > 0
        assert ("active_triplets" in counts) is (loss != "BatchHardSoftMarginTripletLoss")


def test_batches_without_triplets_are_told_before_and_as_they_come(tmp_path: Path) -> None:
    classes = ["kind0"] * 60 + ["kind1"] * 4
    done = run_embtune("train", class_config(tmp_path, classes, train={"max_steps": 8, "batch_size": 8}))
    assert done.returncode == 0, done.stderr
    warnings = {str(event["code"]): str(event["message"]) for event in events(tmp_path, "warning")}
    assert "6 of the 8 batches have no triplet" in warnings["batches-without-triplets"]
    assert "nothing to learn in this batch, it has no valid triplets" in warnings["nothing-to-learn"]


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (["kind0"] * 60, "all 60 rows of 'train' have the same class, 'kind0' in column 'label', and BatchHardTriplet"),
        ([f"kind{row}" for row in range(60)], "no two of the 60 rows of 'train' have the same class"),
    ],
)
def test_data_without_any_triplet_is_refused_before_the_model_is_read(
    tmp_path: Path, classes: list[str], told: str
) -> None:
    model = {"name_or_path": str(tmp_path / "no-such-model")}
    done = run_embtune("train", class_config(tmp_path, classes, model=model))
    assert done.returncode == 1
    assert told in done.stderr
    assert "train.jsonl:1: error[" in done.stderr
    assert "columns: {text: ..., label: ...}" in done.stderr
    assert not (tmp_path / "run").exists()
