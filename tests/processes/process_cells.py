"""Cells of the conformance grid, trained a few steps by one process and by several: the same must come out."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from conformance_grid import Cell, all_cells
from conformance_step import SMALL, prepare_cell, without_dropout
from safetensors.torch import load_file, save_file
from torch import Tensor

from embtune.pipeline.job import Job
from embtune.train.checkpoint import trainable_tensors
from embtune.train.loop import StepReport, train
from embtune.train.processes import meet
from embtune.train.state import TrainState
from embtune.world import World

# 24 rows: batches of 11, 11 and 2, of which the last leaves one of three processes without a row
OVERRIDES = ("train.max_steps=5", "train.batch_size=11", "train.learning_rate=0.001", "train.warmup_ratio=0")
# A weight that a loss does not depend on (a bias where only distances count) has a gradient of rounding alone. With its
# own 1e-8 Adam makes whole steps of it; so large an epsilon leaves it be, and the others' steps near the learning rate.
ADAM_EPSILON = 1e-4
MODIFIERS = ("none", "MatryoshkaLoss")
TOLERANCE = 1e-5


def cells_shown(every_form: bool = False) -> Iterator[Cell]:
    """Every loss and list of losses, alone and in Matryoshka, in full transformers; on the first form of its rows."""
    seen: set[tuple[str, str]] = set()
    for cell in all_cells():
        known = (cell.name, cell.modifier) in seen and not every_form
        if cell.modifier in MODIFIERS and cell.model == "transformer" and not cell.lora and not known:
            seen.add((cell.name, cell.modifier))
            yield cell


@dataclass(frozen=True)
class Trained:
    """What one process has after the steps.

    terms (with `vitals`), norms: of each step. weights: by name. digest: of all their bits.
    """

    terms: list[dict[str, float]]
    norms: list[float]
    weights: dict[str, Tensor]
    digest: str

    def save(self, path: Path) -> None:
        """Write it for another process."""
        save_file(self.weights, path.with_suffix(".safetensors"))
        path.with_suffix(".json").write_text(json.dumps([self.terms, self.norms, self.digest]))

    @staticmethod
    def load(path: Path) -> Trained:
        """Read what `save` wrote."""
        terms, norms, digest = json.loads(path.with_suffix(".json").read_text())
        return Trained(terms, norms, load_file(path.with_suffix(".safetensors")), digest)


@dataclass(frozen=True)
class Compared:
    """Largest differences of several processes from one. equal: the processes' bits are.

    norms: of the gradient, in units of it: Adam hides a factor in a gradient that is wrong.
    """

    terms: float
    norms: float
    weights: float
    equal: bool

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.equal and max(self.terms, self.norms, self.weights) <= TOLERANCE


def train_cells(cells: Sequence[Cell], world: World, folder: Path, guide: Path) -> None:
    """Train every cell as one of the world's processes; leaves `folder/SIZE/RANK/NUMBER`."""
    torch.set_num_threads(1)
    processes = meet(world)
    for number, cell in enumerate(cells):
        here = folder / str(world.size) / str(world.rank) / str(number)
        here.mkdir(parents=True)
        job = prepare_cell(cell, here, guide, OVERRIDES)
        job.training.processes = processes
        trained(job).save(here / "trained")
    processes.close()


def trained(job: Job) -> Trained:
    """The run's steps, with everything cut small and nothing drawn."""
    without_dropout(job)
    job.training.budget = SMALL
    for group in job.training.optimizer.param_groups:
        group["eps"] = ADAM_EPSILON
    reports = list(train(job.training, TrainState()))
    weights = {name: tensor.clone() for name, tensor in trainable_tensors(job.training.trainables).items()}
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    terms = [each.terms | vitals(each) for each in reports]
    return Trained(terms, [each.grad_norm for each in reports], weights, digest.hexdigest())


def vitals(report: StepReport) -> dict[str, float]:
    """What else a step adds up over the processes, beside its terms."""
    found = report.vitals
    return {f"{name} cosine": each for name, each in found.cosines.items()} | {
        f"{name} cost": each for name, each in found.costs.items()
    }


def train_by(size: int, cells: Sequence[Cell], folder: Path, guide: Path) -> None:
    """Train the cells by so many processes, each started once for all of them."""
    worlds = [World(rank, size, rank, size, f"file://{folder}/meeting-{size}") for rank in range(size)]
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=train_cells, args=(cells, world, folder, guide)) for world in worlds]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * size


def compared(number: int, size: int, folder: Path) -> Compared:
    """A cell's training by so many processes beside that by one."""
    alone = Trained.load(folder / "1" / "0" / str(number) / "trained")
    parts = [Trained.load(folder / str(size) / str(rank) / str(number) / "trained") for rank in range(size)]
    first = parts[0]
    equal = all(part.digest == first.digest and part.terms == first.terms for part in parts)
    terms = max(map(_apart, alone.terms, first.terms))
    weights = max(float((alone.weights[name] - first.weights[name]).abs().max()) for name in alone.weights)
    norms = max(abs(left - right) / left for left, right in zip(alone.norms, first.norms, strict=True))
    return Compared(terms, norms, weights, equal)


def _apart(left: dict[str, float], right: dict[str, float]) -> float:
    """Largest difference of a term, in units of its size where that is over 1."""
    if left.keys() != right.keys():
        return math.inf
    return max(abs(left[name] - right[name]) / max(1.0, abs(left[name])) for name in left)
