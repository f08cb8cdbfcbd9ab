"""What is on the disk of a run: how far it has come, and whether it is what another one left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from embtune.report.metrics_log import read_events
from embtune.train.checkpoint import Checkpoint, Checkpoints

_MEASURED = ("seconds", "tokens_per_second", "peak_memory_bytes")  # of the machine, not of the training
_LINES = 8192  # bytes, of which a few are of a step
_STEP = re.compile(rb'"event": "step", "step": (\d+),')
_TRAINED = ("weights.safetensors", "optimizer.safetensors")


class Directory:
    """A run's directory, looked at from outside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def logged_step(self) -> int:
        """The last step in the metrics log; 0 where there is none."""
        log = self.path / "metrics.jsonl"
        if not log.exists():
            return 0
        with log.open("rb") as stream:  # its end: this is asked for many times a second
            stream.seek(max(0, log.stat().st_size - _LINES))
            steps = _STEP.findall(stream.read())
        return int(steps[-1]) if steps else 0

    @property
    def half_written(self) -> list[Path]:
        """Folders and files that were being written, or put aside for others."""
        return [path for path in self.path.rglob(".*") if path.name.endswith((".writing", ".old"))]

    @property
    def is_writing_checkpoint(self) -> bool:
        """Whether a checkpoint is being written now."""
        return any(self.path.glob("checkpoints/.step-*"))

    def newest(self) -> tuple[Checkpoint | None, int]:
        """The newest checkpoint that is whole, and the number of newer ones that are not."""
        found, damaged = Checkpoints(self.path / "checkpoints", keep=None).newest()
        return found, len(damaged)

    def events(self, *kinds: str) -> list[dict[str, object]]:
        """The log's events of some kinds, without what was measured of the machine."""
        found = read_events(self.path / "metrics.jsonl")
        return [
            {key: value for key, value in event.items() if key not in _MEASURED}
            for event in found
            if event["event"] in kinds
        ]

    def status(self) -> str:
        """How the last session ended, by its own account; "" where it could not say."""
        record = self.path / "run.json"
        return str(json.loads(record.read_text()).get("status")) if record.exists() else ""


def tensors_of(checkpoint: Path) -> dict[str, Tensor]:
    """Weights and the optimiser's state, by file and name."""
    return {f"{file}: {name}": tensor for file in _TRAINED for name, tensor in load_file(checkpoint / file).items()}


def apart(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """The largest difference of any number; infinite where they are not of the same tensors. 0 is equal bits."""
    if left.keys() != right.keys() or any(left[name].shape != right[name].shape for name in left):
        return float("inf")
    differing = [name for name in left if not left[name].equal(right[name])]
    return max((float((left[name] - right[name]).abs().max()) for name in differing), default=0.0)


def differences(run: Directory, undisturbed: Directory) -> Iterator[str]:
    """Whatever a finished run left that the undisturbed one did not, or otherwise."""
    for kind in ("step", "eval", "warning"):
        if _unasked(run.events(kind)) != _unasked(undisturbed.events(kind)):
            yield f"the log's {kind} events differ"
    for what, left, right in _kept(run, undisturbed):
        if (difference := apart(left, right)) > 0:
            yield f"the {what} differs by up to {difference:.1e}"
    if run.half_written:
        yield f"{run.half_written[0]} is left"
    if missing := _files(undisturbed) ^ _files(run):
        yield f"{min(missing)} is in one of them only"


def _unasked(events: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without what a run has to say of a checkpoint that this script has damaged."""
    return [event for event in events if event.get("code") != "damaged-checkpoint"]


def _kept(run: Directory, undisturbed: Directory) -> Iterator[tuple[str, dict[str, Tensor], dict[str, Tensor]]]:
    """The last checkpoint, all weights of the saved model, its adapter and heads, and those kept as the best."""
    last = f"checkpoints/step-{undisturbed.logged_step:06d}"
    yield "last checkpoint", tensors_of(run.path / last), tensors_of(undisturbed.path / last)
    for folder in ("model", "adapter", "best"):
        for path in (undisturbed.path / folder).rglob("*.safetensors"):
            name = path.relative_to(undisturbed.path)
            other = run.path / name
            yield str(name), load_file(other) if other.exists() else {}, load_file(path)


def _files(run: Directory) -> set[str]:
    """What is left for the user. Checkpoints are where the run was stopped, too."""
    paths = (str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file())
    return {path for path in paths if not path.startswith("checkpoints")}
