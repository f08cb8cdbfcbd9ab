"""Cells of the conformance grid, trained a few steps by one process and by several: the same must come out.

Several processes each have all of the model, or share it ("shard").
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import torch
from conformance_grid import Cell, all_cells
from conformance_step import SMALL, prepare_cell, without_dropout
from safetensors.torch import load_file, save_file
from torch import Tensor

from embtune.pipeline.job import Job
from embtune.pipeline.resume import starting_state
from embtune.train.checkpoint import Checkpoints, trainable_tensors
from embtune.train.loop import StepReport, train
from embtune.train.processes import meet
from embtune.train.shards import whole
from embtune.train.state import TrainState
from embtune.world import World

# 24 rows: batches of 11, 11 and 2, of which the last leaves one of three processes without a row
OVERRIDES = ("train.max_steps=5", "train.batch_size=11", "train.learning_rate=0.001", "train.warmup_ratio=0")
# A weight that a loss does not depend on (a bias where only distances count) has a gradient of rounding alone. With its
# own 1e-8 Adam makes whole steps of it; so large an epsilon leaves it be, and the others' steps near the learning rate.
ADAM_EPSILON = 1e-4
MODIFIERS = ("none", "MatryoshkaLoss")
TOLERANCE = 1e-5
REPLICATE, SHARD = "replicate", "shard"
SAVED_AT = 2  # steps: the checkpoint that is left beside each training
# of processes that share a model: some graphs kept and some not, other numbers of them in each
SHARED = replace(SMALL, kept_tokens=150)


def cells_shown(every_form: bool = False) -> Iterator[Cell]:
    """Every loss and list of losses, alone and in Matryoshka, in full transformers; on the first form of its rows."""
    seen: set[tuple[str, str]] = set()
    for cell in all_cells():
        known = (cell.name, cell.modifier) in seen and not every_form
        if cell.modifier in MODIFIERS and cell.model == "transformer" and not cell.lora and not known:
            seen.add((cell.name, cell.modifier))
            yield cell


def can_shard(cell: Cell) -> bool:
    """Whether processes can share its model: a decoder shares the model's weights, unless told otherwise."""
    return not any("tie_encoder_decoder" in spec.parameters.model_fields for spec in cell.losses)


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


def train_cells(
    cells: Sequence[Cell], world: World, folder: Path, guide: Path, ways: Sequence[str], start: Path | None
) -> None:
    """Train every cell in each of the ways, as one of the world's processes; leaves `folder/SIZE/WAY/RANK/NUMBER`.

    Args:
        start: holds the checkpoints to go on from, by number; None begins anew.
    """
    torch.set_num_threads(1)
    processes = meet(world)
    for way, (number, cell) in product(ways, enumerate(cells)):
        here = folder / str(world.size) / way / str(world.rank) / str(number)
        here.mkdir(parents=True)
        job = prepare_cell(cell, here, guide, (*OVERRIDES, f"train.parallel={way}"), processes)
        saved = Checkpoints(folder / str(world.size) / way / "checkpoints" / str(number), keep=None)
        trained(job, saved, None if start is None else Checkpoints(start / str(number), keep=None)).save(
            here / "trained"
        )
    processes.close()


def trained(job: Job, saved: Checkpoints, start: Checkpoints | None) -> Trained:
    """The run's steps, with everything cut small and nothing drawn, from a checkpoint where there is one."""
    without_dropout(job)
    training = job.training
    training.budget = SMALL if training.shards is None else SHARED
    for group in training.optimizer.param_groups:
        group["eps"] = ADAM_EPSILON
    state = TrainState() if start is None else starting_state(job, start).state
    reports = []
    for report in train(training, state):
        reports.append(report)
        if report.step == SAVED_AT and (training.shards is not None or training.processes.world.is_first):
            saved.save(training.trainables, training.optimizer, state, training.writers)
    weights = {name: whole(tensor).clone() for name, tensor in trainable_tensors(training.trainables).items()}
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


def train_by(
    size: int,
    cells: Sequence[Cell],
    folder: Path,
    guide: Path,
    ways: Sequence[str] = (REPLICATE,),
    start: Path | None = None,
) -> None:
    """Train the cells by so many processes, each started once for all of them; as `train_cells` does."""
    worlds = [World(rank, size, rank, size, f"file://{folder}/meeting-{size}") for rank in range(size)]
    context = multiprocessing.get_context("forkserver")  # imports torch and transformers once for all of them
    context.set_forkserver_preload(["embtune.pipeline.job"])
    started = [context.Process(target=train_cells, args=(cells, world, folder, guide, ways, start)) for world in worlds]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * size


def compared(number: int, size: int, folder: Path, way: str = REPLICATE) -> Compared:
    """A cell's training by so many processes beside that by one."""
    return beside(loaded(folder, 1, REPLICATE, number)[0], loaded(folder, size, way, number))


def loaded(folder: Path, size: int, way: str, number: int) -> list[Trained]:
    """What each of so many processes came to."""
    return [Trained.load(folder / str(size) / way / str(rank) / str(number) / "trained") for rank in range(size)]


def beside(alone: Trained, parts: Sequence[Trained]) -> Compared:
    """Several processes' last steps beside one's."""
    first = parts[0]
    equal = all(part.digest == first.digest and part.terms == first.terms for part in parts)
    steps = len(first.terms)
    terms = max(map(_apart, alone.terms[-steps:], first.terms))
    weights = max(float((alone.weights[name] - first.weights[name]).abs().max()) for name in alone.weights)
    norms = max(abs(left - right) / left for left, right in zip(alone.norms[-steps:], first.norms, strict=True))
    return Compared(terms, norms, weights, equal)


def _apart(left: dict[str, float], right: dict[str, float]) -> float:
    """Largest difference of a term, in units of its size where that is over 1."""
    if left.keys() != right.keys():
        return math.inf
    return max(abs(left[name] - right[name]) / max(1.0, abs(left[name])) for name in left)
