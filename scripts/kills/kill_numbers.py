"""A run saved by two processes and continued by another number of them, beside one that one process did undisturbed."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kill_cases import Case, write_case
from kill_command import Command
from kill_directory import Directory, apart, tensors_of
from torch import Tensor

STEPS, SAVED_AFTER, SAVED_BY, CONTINUED_BY = 12, 4, 2, (1, 3)
TOLERANCE = 1e-5
_RUN = 3600.0  # seconds that a whole run may take
_ROUNDED = ("loss", "losses", "grad_norm", "metrics")  # the numbers of an event that are sums over texts
_PLAN = ("step", "epoch", "learning_rate", "tokens")
# A number added to all keys of a softmax changes nothing: its gradient is rounding, of which Adam makes whole steps.
_WITHOUT_GRADIENT = "key.bias"


@dataclass(frozen=True)
class Continued:
    """How far the end is from that of one process. numbers: any loss, norm or metric, in units of it where over 1."""

    case: str
    nproc: int
    saved: int
    numbers: float
    weights: float
    wrong: list[str]

    @property
    def holds(self) -> bool:
        """Whether only rounding differs."""
        return not self.wrong and max(self.numbers, self.weights) <= TOLERANCE


def continued(case: Case, folder: Path, start: Callable[[Path, int], Command]) -> Iterator[Continued]:
    """Stop the run of two processes by SIGTERM; continue a copy of what it left by each number of processes.

    Args:
        folder: a new one.
        start: the command, of a config and a number of processes.
    """
    config, alone = _run(case, folder, "alone")
    assert start(config, 1).ended(_RUN)[0] == 0
    config, stopped = _run(case, folder, "stopped")
    command = start(config, SAVED_BY)
    command.wait_for(lambda: stopped.logged_step >= SAVED_AFTER)
    command.everywhere(signal.SIGTERM)
    code, _, stderr = command.ended(_RUN)
    assert code == 128 + signal.SIGTERM, stderr
    saved = stopped.newest()[0]
    for nproc in CONTINUED_BY:
        config, run = _run(case, folder, f"by {nproc}")
        shutil.copytree(stopped.path, run.path)
        code, _, stderr = start(config, nproc).ended(_RUN)
        assert code == 0, stderr
        yield _compared(case, nproc, saved.step if saved else 0, run, alone)


def _run(case: Case, folder: Path, name: str) -> tuple[Path, Directory]:
    """Its config, without dropout, whose draws are another number's of processes; and its directory."""
    run = folder / name
    return write_case(case, folder, STEPS, run, dropout=0.0), Directory(run)


def _compared(case: Case, nproc: int, saved: int, run: Directory, alone: Directory) -> Continued:
    left, right = (each.events("step", "eval") for each in (run, alone))
    same = [_plan_of(event) for event in left] == [_plan_of(event) for event in right]
    wrong = [] if same else ["the steps, or what is in them, are others"]
    last = f"checkpoints/step-{STEPS:06d}"
    weights = apart(*(_with_gradient(tensors_of(each.path / last)) for each in (run, alone)))
    numbers = max(_numbers_apart(one, other) for one, other in zip(left, right, strict=False))
    return Continued(case.name, nproc, saved, numbers, weights, wrong)


def _plan_of(event: dict[str, object]) -> list[object]:
    return [event.get(key) for key in ("event", *_PLAN)]


def _numbers_apart(left: dict[str, object], right: dict[str, object]) -> float:
    pairs = ((_flat(left.get(key)), _flat(right.get(key))) for key in _ROUNDED)
    return max(abs(a - b) / max(1.0, abs(b)) for one, other in pairs for a, b in zip(one, other, strict=True))


def _flat(value: object) -> list[float]:
    if isinstance(value, dict):
        return [float(each) for each in value.values()]
    return [] if value is None else [float(str(value))]


def _with_gradient(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights that the loss depends on."""
    return {
        name: each for name, each in tensors.items() if name.startswith("weights") and _WITHOUT_GRADIENT not in name
    }
