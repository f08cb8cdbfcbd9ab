"""A real run that takes a second: a static or transformer model from scratch on a few made-up pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml

TOPICS = ("rivers", "trains", "bread", "winter", "violins", "chess", "bees", "glass", "maps", "tides")
ASKED = ("what is known about", "tell me of", "who knows about", "where are", "how old are")


def write_pairs(path: Path, rows: int = 60, seed: int = 0) -> Path:
    """Questions and answers that share a topic and a number, as JSON Lines."""
    rng = np.random.default_rng(seed)
    lines = []
    for row in range(rows):
        topic = TOPICS[row % len(TOPICS)]
        words = " ".join(rng.choice(TOPICS, size=int(rng.integers(1, 8))))
        lines.append({"anchor": f"{ASKED[row % 5]} {topic} {row}", "positive": f"{topic} number {row} of {words}"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def small_config(folder: Path, **changes: object) -> dict[str, object]:
    """A config over 60 pairs with everything in it that a run does: evaluation, checkpoints, log lines."""
    write_pairs(folder / "train.jsonl")
    write_pairs(folder / "dev.jsonl", rows=20, seed=1)
    config: dict[str, object] = {
        "version": 1,
        "output_dir": str(folder / "run"),
        "seed": 5,
        "model": {"name_or_path": "scratch:transformer?layers=2&width=32", "dropout": 0.1},
        "data": {"train": [{"path": "train.jsonl"}], "eval": [{"path": "dev.jsonl"}]},
        "loss": "MultipleNegativesRankingLoss",
        "train": {"num_train_epochs": 3, "batch_size": 8, "learning_rate": 0.003},
        "eval": {"steps": 6},
        "checkpoint": {"steps": 5},
        "logging": {"steps": 2},
    }
    return config | changes


def write_config(folder: Path, **changes: object) -> Path:
    """`small_config` as a file."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, **changes)), encoding="utf-8")
    return path
