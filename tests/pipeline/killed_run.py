"""Runs in this process and in one that kills itself: for losses that keep more than a model."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import load_file
from small_run import TOPICS, small_config

from embtune.config import load_config
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress, discard

ROWS, STEPS = 60, 10


@dataclass(frozen=True)
class Case:
    """A loss on made-up data: `text`, `pairs with a class`, or `pairs of equal and different texts`."""

    data: str
    loss: str | Mapping[str, object] | Sequence[object]


def config_of(case: Case, folder: Path, model: str = "scratch:transformer?layers=2&width=32") -> Path:
    """A config of ten steps with dropout and checkpoints, written into `folder` with its data."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    texts = [f"{row} " + " ".join(rng.choice(TOPICS, size=int(rng.integers(2, 12)))) for row in range(ROWS)]
    rows: list[dict[str, object]] = [{"text": text} for text in texts]
    if case.data == "pairs with a class":
        rows = [{"sentence_A": a, "sentence_B": b, "label": f"c{i % 3}"} for i, (a, b) in enumerate(_pairs(texts))]
    if case.data == "pairs of equal and different texts":
        rows = [
            {"sentence_A": a, "sentence_B": b, "label": int(a == b)}
            for a, b in [*_pairs(texts), *zip(texts, texts, strict=True)]
        ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    changes: dict[str, object] = {
        "model": {"name_or_path": model, "dropout": 0.1},
        "data": {"train": [{"path": "rows.jsonl"}]},
        "loss": case.loss,
        "train": {"max_steps": STEPS, "batch_size": 8, "learning_rate": 0.003},
        "eval": {"on_start": False},
        "checkpoint": {"steps": 3},
        "logging": {"steps": 1},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, **changes)), encoding="utf-8")
    return path


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    """Each text beside another."""
    return list(zip(texts, texts[::-1], strict=True))


def finish(config: Path) -> None:
    """The run, or what is left of it, in this process."""
    assert run_training(load_config(config), TrainRequest(), PlainProgress(discard)) is not None


def killed(config: Path, at_step: int) -> None:
    """The run in a process of its own, which kills itself after a step: nothing is saved, flushed or closed."""
    child = os.fork()
    if child == 0:

        def die(line: str) -> None:
            if line.strip().startswith(f"step {at_step:2}/{STEPS}"):
                os.kill(os.getpid(), signal.SIGKILL)

        run_training(load_config(config), TrainRequest(), PlainProgress(die))
        os._exit(1)  # it should not have come so far
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the run ended before it was killed"


def checkpoint_tensors(run: Path) -> dict[str, np.ndarray]:
    """Weights and optimiser state at the end of a run."""
    last = run / "checkpoints" / f"step-{STEPS:06d}"
    weights, optimizer = load_file(last / "weights.safetensors"), load_file(last / "optimizer.safetensors")
    return {**weights, **{f"optimizer.{name}": value for name, value in optimizer.items()}}
