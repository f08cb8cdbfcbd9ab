"""One training run as both tools are told it, written to a JSON file for the process that does it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """What to train.

    model, pairs, output: paths. max_length: None cuts nothing. precision: "fp32" or "bf16".
    schedule: "linear" or "cosine" with a warm-up over a tenth of the steps, or "constant" without.
    dropout: None leaves the model's own.
    """

    model: str
    pairs: str
    output: str
    batch_size: int
    max_length: int | None
    steps: int
    learning_rate: float
    precision: str = "fp32"
    schedule: str = "linear"
    dropout: float | None = None
    cached: bool = False
    scale: float = 20.0
    seed: int = 42

    @property
    def warmup(self) -> float:
        """The share of steps over which the learning rate rises."""
        return 0.0 if self.schedule == "constant" else 0.1


@dataclass(frozen=True)
class Settings:
    """What a user of Sentence Transformers may set without changing what is computed, but for precision.

    mini_batch_size: of the cached loss. precision: None takes the task's.
    """

    mini_batch_size: int = 32
    workers: int = 0
    precision: str | None = None

    def __str__(self) -> str:
        return f"mini_batch_size {self.mini_batch_size}, workers {self.workers}" + (
            f", {self.precision}" if self.precision else ""
        )


@dataclass(frozen=True)
class Trials:
    """One task under several settings, one after another in one process; a single one is a whole run."""

    task: Task
    settings: tuple[Settings, ...] = field(default=(Settings(),))

    def write(self, path: Path) -> None:
        """To a JSON file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Trials:
        """From what `write` wrote."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(Task(**found["task"]), tuple(Settings(**one) for one in found["settings"]))
