"""A run on pairs with a class: its head is judged in training, kept beside the model, and used by `evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from killed_run import Case, config_of, finish, killed
from small_run import write_config

from embtune.config import load_config
from embtune.errors import ConfigError, DataError
from embtune.evaluate.saved_classifiers import FOLDER, load_classifiers
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.pipeline.evaluate_job import run_evaluation
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several

CLASSES = ("same", "other", "unrelated")
DIMS = [{"name": "MatryoshkaLoss", "dims": [16, 4]}]


def write_rows(path: Path, rows: int, classes: tuple[str, ...] = CLASSES) -> None:
    """Pairs whose class is that of a word in the second text."""
    lines = []
    for row in range(rows):
        name = classes[row % len(classes)]
        lines.append({"sentence_A": f"text {row}", "sentence_B": f"{name} text {row}", "label": name})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def write(folder: Path, dev: tuple[str, ...] = CLASSES, **changes: object) -> Path:
    write_rows(folder / "nli.jsonl", 60)
    write_rows(folder / "nli_dev.jsonl", 12, dev)
    config: dict[str, object] = {
        "model": {"name_or_path": "scratch:static?width=16"},
        "data": {"train": [{"path": "nli.jsonl"}], "eval": [{"path": "nli_dev.jsonl", "name": "dev"}]},
        "loss": "SoftmaxLoss",
        "train": {"num_train_epochs": 12, "batch_size": 12, "learning_rate": 0.1},
        "eval": {"steps": None},
    }
    return write_config(folder, **(config | changes))


def run(config: Path) -> dict[str, dict[str, float]]:
    result = run_training(load_config(config), TrainRequest(), Several())
    assert result is not None
    metrics = {key: result[key] for key in ("metrics_before", "metrics_after")}
    assert all(isinstance(each, dict) for each in metrics.values())
    return metrics  # type: ignore[return-value]  # from JSON


def evaluated(folder: Path, config: Path | None = None) -> dict[str, float]:
    return run_evaluation(str(folder), None if config is None else str(config), (), {}, Several())


@pytest.mark.parametrize("modifiers", [[], DIMS], ids=["none", "matryoshka"])
def test_training_measures_the_head_and_evaluate_finds_it_beside_the_model(
    modifiers: list[object], tmp_path: Path
) -> None:
    metrics = run(write(tmp_path, modifiers=modifiers))
    widths = ["dev", "dev@4"] if modifiers else ["dev"]
    assert list(metrics["metrics_after"]) == [f"{each}/{m}" for each in widths for m in ("accuracy", "macro_f1")]
    assert metrics["metrics_before"]["dev/accuracy"] < 0.8 < metrics["metrics_after"]["dev/accuracy"]
    assert evaluated(tmp_path / "run") == pytest.approx(metrics["metrics_after"])
    (saved,) = load_classifiers(tmp_path / "run" / "model")
    assert saved.classes == tuple(sorted(CLASSES))
    assert sorted(saved.heads) == ([4, 16] if modifiers else [16])
    assert {head.unit_vectors for head in saved.heads.values()} == {bool(modifiers)}


def test_classes_of_evaluation_are_numbered_as_in_training(tmp_path: Path) -> None:
    config = write(tmp_path, dev=("unrelated", "same"))  # alone they would be numbered from 0
    assert run(config)["metrics_after"]["dev/accuracy"] > 0.8
    write_rows(tmp_path / "nli_dev.jsonl", 6, ("same", "unheard"))
    with pytest.raises(DataError, match="'unheard', which is no class of the training data"):
        evaluated(tmp_path / "run" / "model", config)


def test_a_model_without_a_head_says_that_it_takes_one(tmp_path: Path) -> None:
    config = write(tmp_path)
    run(config)
    for file in (tmp_path / "run" / "model" / FOLDER).iterdir():
        file.unlink()
    with pytest.raises(ConfigError, match="where a head was trained on such pairs"):
        evaluated(tmp_path / "run" / "model", config)


def test_classes_0_and_1_are_the_heads_where_it_was_trained_on_them(tmp_path: Path) -> None:
    config = write(tmp_path, dev=("0", "1"))
    write_rows(tmp_path / "nli.jsonl", 60, ("0", "1"))
    assert set(run(config)["metrics_after"]) == {"dev/accuracy", "dev/macro_f1"}


def test_a_killed_run_keeps_the_head_of_an_undisturbed_one(tmp_path: Path) -> None:
    configs = [config_of(Case("pairs with a class", "SoftmaxLoss"), tmp_path / name) for name in ("whole", "killed")]
    killed(configs[1], at_step=5)
    for config in configs:
        finish(config)
    files = [path.parent / "run" / "model" / FOLDER / "pair_classifiers.safetensors" for path in configs]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_sentence_transformers_loads_the_folder_and_gives_the_same_vectors(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    run(write(tmp_path))
    folder = str(tmp_path / "run" / "model")
    texts = ["text 1", "same text 2"]
    theirs = sentence_transformers.SentenceTransformer(folder, device="cpu").encode(texts)
    np.testing.assert_allclose(encode_texts(load_model(folder), texts), theirs, atol=1e-6)
