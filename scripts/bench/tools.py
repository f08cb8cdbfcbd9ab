"""How each tool is started on a task, and what it says about its run."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from process import Ran, run
from task import Settings, Task, Trials

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
THEIRS = HERE / "train_theirs.py"
_OF_THE_MACHINE = "cpu"


@dataclass(frozen=True)
class Measured:
    """One whole run: wall seconds with start-up and tokenising, peak bytes of all its processes, and the parts.

    parts: seconds by part, as the tool tells them. padding: token slots over real tokens; None where it tells none.
    """

    seconds: float
    peak_bytes: int
    parts: dict[str, float]
    padding: float | None
    cuda_bytes: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def run_ours(task: Task, environment: Mapping[str, str], folder: Path) -> Measured:
    """`embtune train CONFIG` from start to end, in a fresh output directory, with nothing tokenised before.

    Raises:
        RuntimeError: it failed.
    """
    shutil.rmtree(task.output, ignore_errors=True)
    cache = folder / "cache"
    forget(cache)
    config = folder / "embtune.yaml"
    config.write_text(json.dumps(config_of(task), indent=1), encoding="utf-8")  # JSON is YAML
    command = [sys.executable, "-m", "embtune", "train", str(config), "--progress", "json"]
    environment = {**environment, "EMBTUNE_CACHE": str(cache)}
    ran = run(command, environment, folder / "embtune.log", cwd=ROOT).checked()
    return _measured_ours(ran, (folder / "embtune.log").read_text(encoding="utf-8"))


def forget(cache: Path) -> None:
    """Empty embtune's cache of everything but what it found out about the machine, as on the first run on new data."""
    for entry in cache.iterdir() if cache.is_dir() else ():
        if entry.name != _OF_THE_MACHINE:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def config_of(task: Task) -> dict[str, Any]:
    """The config of a task, as YAML holds it."""
    model: dict[str, Any] = {"name_or_path": task.model, "max_seq_length": task.max_length}
    if task.dropout is not None:
        model["dropout"] = task.dropout
    train = {
        "max_steps": task.steps,
        "batch_size": task.batch_size,
        "batch_sampler": "sequential",
        "learning_rate": task.learning_rate,
        "lr_scheduler_type": task.schedule,
        "warmup_ratio": task.warmup,
        "weight_decay": 0.0,
        "precision": task.precision,
        "gradient_cache": "always" if task.cached else "auto",  # cached beside cached: as much memory on both sides
    }
    columns = {"anchor": "anchor", "positive": "positive"}
    return {
        "version": 1,
        "output_dir": task.output,
        "seed": task.seed,
        "model": model,
        "data": {"train": [{"name": "pairs", "path": task.pairs, "columns": columns}]},
        "loss": {"name": "MultipleNegativesRankingLoss", "scale": task.scale},
        "train": train,
        "checkpoint": {"steps": None},
        "logging": {"steps": max(1, min(10, task.steps // 2))},
    }


def _measured_ours(ran: Ran, log: str) -> Measured:
    events = [json.loads(line) for line in log.splitlines() if line.startswith('{"event"')]
    steps = [event for event in events if event["event"] == "step"]
    parts = {event["name"]: event["seconds"] for event in events if event["event"] == "stage"}
    last = steps[-1]
    return Measured(
        ran.seconds,
        ran.peak_bytes,
        {**parts, "train": last["seconds"]},
        sum(event["padding"] for event in steps) / len(steps),  # of lines over equally many steps each
        last.get("peak_memory_bytes") if any('"device": "cuda' in line for line in log.splitlines()) else None,
    )


def run_theirs(task: Task, settings: Settings, environment: Mapping[str, str], folder: Path) -> Measured:
    """The script of Sentence Transformers from start to end.

    Raises:
        RuntimeError: it failed.
    """
    ran, (found,) = _their_process(task, (settings,), environment, folder)
    parts = {name: found[name] for name in ("imports", "load", "train", "save")}
    return Measured(ran.seconds, ran.peak_bytes, parts, found["padding"], found.get("cuda_allocated"))


def time_theirs(task: Task, settings: Sequence[Settings], environment: Mapping[str, str], folder: Path) -> list[float]:
    """Seconds of training alone under each of several settings, in one process.

    Raises:
        RuntimeError: it failed.
    """
    _, found = _their_process(task, tuple(settings), environment, folder)
    return [one["train"] for one in found]


def _their_process(
    task: Task, settings: tuple[Settings, ...], environment: Mapping[str, str], folder: Path
) -> tuple[Ran, list[dict[str, Any]]]:
    for rest in (task.output, f"{task.output}.trainer", f"{task.output}.cache"):
        shutil.rmtree(rest, ignore_errors=True)
    trials, result = folder / "theirs.json", folder / "theirs.out.json"
    Trials(task, settings).write(trials)
    command = [sys.executable, str(THEIRS), str(trials), str(result)]
    ran = run(command, environment, folder / "theirs.log", cwd=folder).checked()
    found: list[dict[str, Any]] = json.loads(result.read_text(encoding="utf-8"))
    return ran, found
