"""How the time of one step grows with its rows: flat a row for the encoder, linear a row for the loss stage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from task import Task
from tools import ROOT, run_ours

ROWS, MORE_ROWS = (1024, 2048, 4096, 8192, 16384), (32768, 65536)
WIDTH = 32
_WARM_UP = 1  # steps before the one that counts
MODEL = f"scratch:transformer?layers=1&width={WIDTH}&vocab=1000&length=32"


def measure(rows: int, pairs: Path, environment: Mapping[str, str], folder: Path) -> dict[str, float]:
    """Microseconds a row of one step of `rows` rows: all of it, its loss stage, and the rest.

    The step is one of a run of `embtune train`; the loss stage is timed by itself, on vectors as wide.

    Raises:
        RuntimeError: a run failed.
    """
    task = Task(MODEL, str(pairs), str(folder / "growth"), rows, 16, 1 + _WARM_UP, 1e-4)
    run_ours(task, environment, folder)
    step = step_seconds((folder / "embtune.log").read_text(encoding="utf-8")) / rows * 1e6
    loss = loss_seconds(rows, environment) / rows * 1e6
    return {"step": step, "loss": loss, "encoder": step - loss}


def step_seconds(log: str) -> float:
    """Seconds of the last step: between its event and the one before."""
    events = [json.loads(line) for line in log.splitlines() if line.startswith('{"event"')]
    before, last = [event["seconds"] for event in events if event["event"] == "step"][-2:]
    return float(last - before)


def loss_seconds(rows: int, environment: Mapping[str, str]) -> float:
    """Seconds of the loss stage alone, in a process of its own under the same environment."""
    command = [sys.executable, str(ROOT / "scripts" / "bench" / "loss_stage.py"), "--seconds", "mnrl"]
    command += ["--rows", str(rows), "--width", str(WIDTH)]
    found = subprocess.run(command, env=dict(environment), check=True, capture_output=True, text=True)
    return float(found.stdout)


def chosen_rows(full: bool) -> Sequence[int]:
    """The batch sizes measured."""
    return (*ROWS, *MORE_ROWS) if full else ROWS
