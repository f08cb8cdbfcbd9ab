"""What happens in a run, as data: the lines of `metrics.jsonl`, and what progress displays show.

Steps count from 1; step 0 is the model as it came. Epochs are fractions: 0.5 is half of the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all: when it happened."""

    kind: ClassVar[str]
    step: int
    epoch: float


@dataclass(frozen=True)
class StepEvent(Event):
    """One optimiser step, or the mean over the steps since the last such line.

    losses: the objective's terms by name; `loss` is their sum. counts: what it found to learn from (mined triplets), by
    name; empty for most losses. learning_rate: as used in this step.
    tokens, seconds: since training began, over all its sessions; seconds count time in steps only.
    tokens_per_second: at present, real tokens without padding. peak_memory_bytes: of the device, None where unknown.
    padding: places the model computed for each real token since the last such line; 1 is none wasted.
    """

    kind = "step"
    loss: float
    losses: Mapping[str, float]
    learning_rate: float
    grad_norm: float
    tokens: int
    tokens_per_second: float
    seconds: float
    peak_memory_bytes: int | None = None
    counts: Mapping[str, float] = field(default_factory=dict)
    padding: float = 1.0


@dataclass(frozen=True)
class EvalEvent(Event):
    """One evaluation. metrics: flat, as evaluators name them. seconds: it took."""

    kind = "eval"
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class CheckpointEvent(Event):
    """A checkpoint is whole on disk. path: relative to the run directory."""

    kind = "checkpoint"
    path: str


@dataclass(frozen=True)
class WarningEvent(Event):
    """Something the user should know. code: a stable word for scripts."""

    kind = "warning"
    code: str
    message: str


@dataclass(frozen=True)
class EndEvent(Event):
    """The session is over. status: finished, stopped or failed. seconds: in steps, over all sessions."""

    kind = "end"
    status: str
    seconds: float


def as_json(event: Event) -> dict[str, object]:
    """`event` first, then its fields; numbers that are not finite, which JSON has no word for, are None."""
    values = {each.name: json_value(getattr(event, each.name)) for each in fields(event)}
    return {"event": event.kind, **values}


def json_value(value: object) -> object:
    """`value` with every NaN and infinity in it, at any depth, as None; mappings and sequences as dict and list."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    return value
