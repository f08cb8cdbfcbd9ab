"""The runs that are stopped: small models from scratch, of every kind that keeps something of its own on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from small_run import small_config

_TRANSFORMER = "scratch:transformer?layers=1&width=32"
_CLASSES = ("same", "other", "unrelated")
CHECKPOINT_STEPS, EVAL_STEPS = 4, 10


@dataclass(frozen=True)
class Case:
    """A kind of run. model, more: of its config, the rest of which all have in common."""

    name: str
    model: Mapping[str, object]
    more: Mapping[str, object]


_CLASS_PAIRS = {
    "data": {"train": [{"path": "pairs.jsonl"}], "eval": [{"path": "dev_pairs.jsonl", "name": "dev"}]},
    "loss": "SoftmaxLoss",
}
CASES = (
    Case("full", {}, {}),
    Case("LoRA", {"lora": {"r": 4}}, {}),
    Case("two towers", {"query_name_or_path": "scratch:transformer?layers=1&width=32"}, {}),
    Case("Softmax head", {}, _CLASS_PAIRS),
)


def write_case(case: Case, folder: Path, steps: int, output: Path, dropout: float = 0.1) -> Path:
    """A config of so many steps with its data, in `folder`, for a run in `output`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_pairs(folder / "pairs.jsonl", 60)
    _write_pairs(folder / "dev_pairs.jsonl", 12)
    sections: dict[str, Any] = {
        "output_dir": str(output),
        "model": {"name_or_path": _TRANSFORMER, "dropout": dropout, **case.model},
        "train": {"max_steps": steps, "batch_size": 8, "learning_rate": 0.002},
        "eval": {"steps": EVAL_STEPS},
        "checkpoint": {"steps": CHECKPOINT_STEPS},
        "logging": {"steps": 1},
        **case.more,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, **sections)), encoding="utf-8")
    return path


def _write_pairs(path: Path, rows: int) -> None:
    """Pairs whose class is that of a word in the second text."""
    classes = [_CLASSES[row % len(_CLASSES)] for row in range(rows)]
    lines = [
        {"sentence_A": f"text {row}", "sentence_B": f"{name} text {row}", "label": name}
        for row, name in enumerate(classes)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
