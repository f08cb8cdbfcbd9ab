"""Equality before speed: after the same steps on the same batches both tools must have the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from task import Settings, Task
from tools import run_ours, run_theirs
from torch import Tensor

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Verdict:
    """How far the weights of two trained models are apart at most, how far training moved them at most, and where."""

    apart: float
    moved: float
    where: str

    @property
    def equal(self) -> bool:
        """Near enough, and far from where they started, without which nearness says nothing."""
        return self.apart <= TOLERANCE < self.moved


def check(task: Task, environment: Mapping[str, str], folder: Path) -> Verdict:
    """Train a task with both tools in fp32 without dropout, and compare what they saved.

    Raises:
        RuntimeError: a tool failed, or they saved different tensors.
    """
    own = replace(task, precision="fp32", dropout=0.0, schedule="constant")
    ours, theirs = (replace(own, output=str(folder / f"equal-{name}")) for name in ("ours", "theirs"))
    run_ours(ours, environment, folder)
    run_theirs(theirs, Settings(), environment, folder)
    trained = weights(Path(ours.output) / "model"), weights(Path(theirs.output))
    return compare(*trained, start=weights(Path(task.model)))


def weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a saved model, named as its file of weights names them."""
    paths = sorted(folder.rglob("*.safetensors"))
    return {name: tensor.float() for path in paths for name, tensor in load_file(path).items()}


def compare(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> Verdict:
    """The verdict on two sets of trained weights. Tensors that training left alone in one tool may lack in the other.

    Raises:
        RuntimeError: a tensor that was trained is there in one alone, or has another shape.
    """
    apart, where = 0.0, ""
    for name in sorted(set(ours) | set(theirs)):
        if name in ours and name in theirs and ours[name].shape == theirs[name].shape:
            distance = float((ours[name] - theirs[name]).abs().max())
            apart, where = max((apart, where), (distance, name))
        elif not torch.equal(ours.get(name, theirs.get(name, start[name])), start[name]):
            raise RuntimeError(f"only one of the tools saved {name}, and it was trained")
    moved = max(float((ours[name] - start[name]).abs().max()) for name in ours if name in start)
    return Verdict(apart, moved, where)
