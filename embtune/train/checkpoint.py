"""Checkpoints: everything trainable, the optimiser and the state, in one directory that is whole or not there.

    checkpoints/step-000040/weights.safetensors    every trainable parameter and every buffer, by name
                            optimizer.safetensors  the optimiser's tensors, "<parameter>.<state>"
                            state.json             step, best score, metrics, loss scaler
                            manifest.json          size and SHA-256 of the files above

Where towers are spread over processes, weights/ and optimizer/ hold a file of each process in place of the first two.

No pickle: a checkpoint from a stranger can hold wrong numbers, never code.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from embtune.errors import Problem, RunError
from embtune.files import directory_beside
from embtune.train.optimizer import Trainables, empty_state, optimizer_tensors, restore_optimizer
from embtune.train.processes import Alone, Processes
from embtune.train.state import TrainState
from embtune.train.tensor_files import read_tensors, save_tensors, stored_shapes

_WEIGHTS, _OPTIMIZER, _STATE, _MANIFEST = "weights", "optimizer", "state.json", "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was verified against its manifest."""

    path: Path
    state: TrainState

    @property
    def step(self) -> int:
        """Finished steps when it was written."""
        return self.state.step


class Checkpoints:
    """The checkpoints of one run, newest last, at most `keep` of them; None keeps all."""

    def __init__(self, folder: Path, keep: int | None) -> None:
        self.folder = folder
        self.keep = keep

    def save(
        self,
        trainables: Trainables,
        optimizer: torch.optim.Optimizer,
        state: TrainState,
        writers: Processes | None = None,
    ) -> Path:
        """Write the checkpoint of `state.step`, then remove those beyond `keep`.

        Args:
            writers: who write it together, all of whom call this; None is this process alone.

        Raises:
            RunError: it cannot be written; the older ones are untouched.
        """
        writers = writers or Alone()
        target = self.folder / f"step-{state.step:06d}"
        with _written_by(writers, target) as folder:
            save_tensors(trainable_tensors(trainables), folder, _WEIGHTS, writers)
            save_tensors(optimizer_tensors(optimizer, trainables), folder, _OPTIMIZER, writers)
            if writers.world.is_first:
                (folder / _STATE).write_text(json.dumps(state.to_json(), indent=1), encoding="utf-8")
                _write_manifest(folder)
        if writers.world.is_first and self.keep is not None:
            for old in self._paths()[: -self.keep]:
                shutil.rmtree(old, ignore_errors=True)
        return target

    def newest(self) -> tuple[Checkpoint | None, list[Problem]]:
        """The newest checkpoint that is whole, and what is wrong with any newer ones."""
        problems: list[Problem] = []
        for path in reversed(self._paths()):
            wrong = _damage(path)
            if wrong is None:
                return Checkpoint(path, _read_state(path)), problems
            problems.append(Problem("damaged-checkpoint", f"{path} is damaged: {wrong}"))
        return None, problems

    def best_steps(self) -> set[int]:
        """The steps that the checkpoints on disk name as the best."""
        named = (_best_step(path) for path in self._paths())
        return {step for step in named if step is not None}

    def _paths(self) -> list[Path]:
        numbered = [path for path in self.folder.glob("step-*") if path.name.removeprefix("step-").isdigit()]
        return sorted(numbered, key=lambda path: int(path.name.removeprefix("step-")))


def restore(checkpoint: Checkpoint, trainables: Trainables, optimizer: torch.optim.Optimizer) -> None:
    """Put the checkpoint's weights and optimiser state into these modules.

    Raises:
        RunError: it was written by a run with other parameters.
    """
    load_weights(trainables, checkpoint.path)
    tensors = empty_state(stored_shapes(checkpoint.path, _OPTIMIZER), trainables)
    read_tensors(tensors, checkpoint.path, _OPTIMIZER)
    restore_optimizer(optimizer, trainables, tensors)


def save_weights(trainables: Trainables, target: Path, writers: Processes | None = None) -> None:
    """Write the weights alone into the folder `target`; an older one is replaced when all is written.

    Args:
        writers: as `Checkpoints.save` takes them.
    """
    writers = writers or Alone()
    with _written_by(writers, target) as folder:
        save_tensors(trainable_tensors(trainables), folder, _WEIGHTS, writers)


def load_weights(trainables: Trainables, folder: Path) -> None:
    """Put back what `save_weights` or `Checkpoints.save` wrote.

    Raises:
        RunError: they are missing, or were written by a run with other parameters.
    """
    saved, here = stored_shapes(folder, _WEIGHTS), trainable_tensors(trainables)
    if not saved:
        message = f"the file of weights in {folder} is missing"
        raise RunError.of("missing-weights", message, "Choose another output_dir and train anew.")
    wrong = sorted(saved.keys() ^ here.keys()) or [name for name in here if here[name].shape != saved[name]]
    if wrong:
        raise RunError.of(
            "other-parameters",
            f"{folder} was written by a run with other parameters, {wrong[0]!r} among {len(wrong)} that differ",
            "Choose another output_dir for this run.",
        )
    read_tensors(here, folder, _WEIGHTS)


def trainable_tensors(trainables: Trainables) -> dict[str, Tensor]:
    """Name -> tensor of every trainable parameter and every buffer that a state dict would hold."""
    persistent = trainables.state_dict().keys()
    buffers = {name: buffer for name, buffer in trainables.named_buffers() if name in persistent}
    return {name: parameter.detach() for name, parameter in trainables.trainable()} | buffers


@contextmanager
def _written_by(writers: Processes, target: Path) -> Iterator[Path]:
    """`directory_beside` as the first of the writers makes it, for all of them to write in until each has left."""
    if not writers.world.is_first:
        yield target.with_name(writers.told(""))
        return
    with directory_beside(target) as folder:
        writers.told(folder.name)
        yield folder


def _write_manifest(folder: Path) -> None:
    files = {
        name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for name, path in sorted(_files(folder).items())
    }
    (folder / _MANIFEST).write_text(json.dumps(files, indent=1), encoding="utf-8")


def _read_state(path: Path) -> TrainState:
    return TrainState.from_json(json.loads((path / _STATE).read_text("utf-8")))


def _best_step(path: Path) -> int | None:
    """The best step that a checkpoint names; None where it names none or cannot be read."""
    try:
        best = _read_state(path).best
    except (OSError, ValueError, TypeError):
        return None
    return best.step if best else None


def _damage(path: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        files = json.loads((path / _MANIFEST).read_text("utf-8"))
        wrong = next(_differences(path, files), None)
        if wrong is None:
            _read_state(path)
        return wrong
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"its manifest or state cannot be read ({error})"


def _differences(path: Path, files: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    here = _files(path)
    for name in sorted({_STATE, *files, *here} - {_MANIFEST}):
        if name not in here:
            yield f"{name} is missing"
        elif name not in files or _sha256(here[name]) != files[name]["sha256"]:
            yield f"{name} is not what was written"


def _files(folder: Path) -> dict[str, Path]:
    """Every file in a folder and below, by its path from there."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
