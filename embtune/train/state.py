"""Where a run stands: the one record that, with the weights, a resumed run needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class BestScore:
    """The best evaluation so far. step 0 is the model as it was before training; metrics are all of that evaluation."""

    metric: str
    value: float
    step: int
    metrics: dict[str, float]


@dataclass
class TrainState:
    """Counters of the run. There is no random state in it: every draw is a function of seed and step (`seeds.py`).

    step: finished optimiser steps. tokens: real tokens trained on so far. seconds: time spent in steps.
    evaluated: the last step that was evaluated, -1 before the first evaluation.
    first_metrics, last_metrics: of the evaluation before step 1 and of the latest one.
    window: sums over the steps since the last log line.
    signs: of a training that learns nothing, and how many steps showed them. warned: those that were told.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    evaluated: int = -1
    best: BestScore | None = None
    first_metrics: dict[str, float] = field(default_factory=dict)
    last_metrics: dict[str, float] = field(default_factory=dict)
    window: dict[str, float] = field(default_factory=dict)
    signs: dict[str, int] = field(default_factory=dict)
    warned: list[str] = field(default_factory=list)
    scaler: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainState:
        """The state that `to_json` gave."""
        best = values.get("best")
        return cls(**{**values, "best": BestScore(**best) if best else None})
