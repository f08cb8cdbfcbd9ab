"""`embtune evaluate --nproc`: the texts are dealt out, and the metrics are those of one process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import run_embtune
from small_run import TOPICS, write_config

from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.evaluate_job import run_evaluation
from embtune.report.progress import Several

pytestmark = pytest.mark.distributed


def write_scores(path: Path) -> None:
    """Forty scored pairs of texts of uneven length."""
    rng = np.random.default_rng(2)
    rows = (
        {
            "sentence_A": " ".join(rng.choice(TOPICS, size=1 + row % 7)),
            "sentence_B": " ".join(rng.choice(TOPICS, size=1 + row % 5)),
            "score": float(rng.random()),
        }
        for row in range(40)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small transformer."""
    made = load_model("scratch:transformer?layers=2&width=32&heads=2", scratch_texts=lambda: list(TOPICS), seed=3)
    save_model(made, tmp_path / "model")
    return tmp_path / "model"


def test_metrics_are_those_of_one_process_and_said_once(tmp_path: Path, model: Path) -> None:
    sets = [{"path": "dev.jsonl"}, {"path": "scores.jsonl"}]
    config = write_config(tmp_path, data={"train": [{"path": "train.jsonl"}], "eval": sets})
    write_scores(tmp_path / "scores.jsonl")
    alone = run_evaluation(str(model), str(config), ("train.precision=fp32",), {}, Several())
    assert {name.split("/")[0] for name in alone} == {"dev", "scores"}
    arguments = ("--set", "train.precision=fp32", "--json", "--progress", "plain")
    together = run_embtune("evaluate", model, config, "--nproc", "3", *arguments)
    assert together.returncode == 0, together.stderr
    assert json.loads(together.stdout)["metrics"] == pytest.approx(alone, abs=1e-6)
    assert together.stderr.count("evaluating dev") == 1, together.stderr


def test_what_is_wrong_is_said_once_and_ends_all(tmp_path: Path, model: Path) -> None:
    config = write_config(tmp_path, data={"train": [{"path": "train.jsonl"}]}, eval={"on_start": False})
    done = run_embtune("evaluate", model, config, "--nproc", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("error[nothing-to-evaluate]") == 1
