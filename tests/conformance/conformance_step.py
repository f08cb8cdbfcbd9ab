"""One real step of a cell, prepared as a run is, and what must hold of it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from conformance_grid import Cell, write_config
from torch import Tensor

from embtune.catalog.spec import Coupling
from embtune.config import load_config
from embtune.model.dropout import override_in_modules
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.job import Job, prepare
from embtune.report.progress import Several
from embtune.train.budget import EVERYTHING, Budget
from embtune.train.embed import EmbedSettings
from embtune.train.outcome import StepOutcome, read_scores
from embtune.train.prepare import Cutting, prepare_step
from embtune.train.processes import Processes
from embtune.train.rows import TrainingRows
from embtune.train.seeds import mix
from embtune.train.shards import fill, whole
from embtune.train.step import run_step

# Of gradients, in units of the largest component of any. Recomputing repeats the very same sums; other micro-batches
# add the same numbers in another order, and the weight of token types is a float32 sum over all tokens of the step.
RECOMPUTING_TOLERANCE, CUTTING_TOLERANCE = 1e-6, 1e-5
KEPT = Budget(100, EVERYTHING, EVERYTHING, 1024)
RECOMPUTED = Budget(100, 0, EVERYTHING, 1024)
# A decoder attends to one vector, the sentence: whatever it asks, that is the answer.
WITHOUT_EFFECT = re.compile(
    r"\.(crossattention\.self|EncDecAttention|encoder_attn|multihead_attn)\.(query|key|q|k)\w*\."
)
SMALL = Budget(64, 0, 64, 5)  # micro-batches, groups of rows and row blocks: all of them many
LARGE = Budget(4096, EVERYTHING, EVERYTHING, 1024)


def save_guide(folder: Path) -> Path:
    """A small model for losses that want another one beside the trained."""
    texts = ["some words", "that a guide", "can read on its own"]
    save_model(load_model("scratch:static?width=16", scratch_texts=lambda: texts), folder)
    return folder


@dataclass(frozen=True)
class Stepped:
    """A step's outcome and the gradients it left, by parameter; None where there is none."""

    outcome: StepOutcome
    gradients: dict[str, Tensor | None]

    def difference(self, other: Stepped) -> float:
        """Largest difference of any gradient, in units of the largest component of any."""
        scale = max(float(gradient.abs().max()) for gradient in self.gradients.values() if gradient is not None)
        return max(_apart(gradient, other.gradients[name]) for name, gradient in self.gradients.items()) / scale


def _apart(left: Tensor | None, right: Tensor | None) -> float:
    if left is None or right is None:
        return 0.0 if left is right else math.inf
    return float((left - right).abs().max())


def prepare_cell(
    cell: Cell, folder: Path, guide: Path, overrides: Sequence[str] = (), processes: Processes | None = None
) -> Job:
    """The cell as a run that could start now, but for weights of zeros."""
    job = prepare(load_config(write_config(cell, folder, guide), overrides), Several(), processes=processes)
    _leave_zeros(job)
    return job


def _leave_zeros(job: Job) -> None:
    """Draw what starts as zeros: one half of a low-rank update has no gradient until the other half has moved."""
    generator = torch.Generator().manual_seed(0)
    for _, parameter in job.training.trainables.trainable():
        values = whole(parameter.detach())
        if not values.any():
            fill(parameter, torch.empty(values.shape).normal_(std=0.1, generator=generator))


def step(job: Job, budget: Budget) -> Stepped:
    """The run's first step, up to its gradients."""
    place = job.training.schedule.at(0)
    task = job.training.tasks[place.batch.dataset]
    data, rows = task.of_step(place.batch.rows, mix(job.training.seed, "rows"))
    return step_over(job, data, rows, budget)


def step_over(job: Job, data: TrainingRows, rows: np.ndarray, budget: Budget) -> Stepped:
    """A step over some rows with the objective of the run's one dataset."""
    training = job.training
    (task,) = training.tasks
    training.trainables.train()
    training.optimizer.zero_grad(set_to_none=True)
    share = not any(tower.has_dropout for tower in training.towers.values())
    prepared = prepare_step(data, rows, task.objective.coupling, Cutting(training.towers, budget, share))
    assert budget.kept_tokens is not None, "the grid says itself what is kept"
    settings = EmbedSettings(training.towers, training.precision, task.every_layer, budget.kept_tokens)
    outcome, _ = read_scores(run_step(prepared, task.objective, settings, mix(training.seed, 0)))
    named = training.trainables.trainable()
    return Stepped(outcome, {name: None if p.grad is None else p.grad.clone() for name, p in named})


def without_dropout(job: Job) -> None:
    """Switch every dropout of towers, heads and decoders off."""
    for task in job.training.tasks:
        override_in_modules(task.objective, 0.0)
    for tower in job.training.towers.values():
        override_in_modules(tower, 0.0)


def faults(cell: Cell, job: Job) -> list[str]:
    """What does not hold of the cell; nothing where it conforms. Leaves the job without dropout."""
    kept, recomputed = step(job, KEPT), step(job, RECOMPUTED)
    without_dropout(job)
    small, large = step(job, SMALL), step(job, LARGE)
    return [
        *_gradient_faults(kept),
        *_outcome_faults(kept.outcome),
        *_coupling_faults(cell, job, recomputed.outcome),
        *_difference_faults("kept and recomputed graphs", kept, recomputed, RECOMPUTING_TOLERANCE),
        *_difference_faults("large and small micro-batches", large, small, CUTTING_TOLERANCE),
    ]


def _outcome_faults(outcome: StepOutcome) -> list[str]:
    found = [] if math.isfinite(outcome.loss) else [f"the loss is {outcome.loss}"]
    return found + [f"the step found no {name}" for name in outcome.missing]


def _coupling_faults(cell: Cell, job: Job, recomputed: StepOutcome) -> list[str]:
    """Rows interact exactly where the entry says so, under a modifier too, and only then is anything recomputed."""
    declared = cell.coupling
    built = job.training.tasks[0].objective.coupling
    found = [] if built is declared else [f"the coupling is {built}, declared is {declared}"]
    if (recomputed.recomputed > 0) is not (declared is Coupling.BATCH):
        found.append(f"{recomputed.recomputed} micro-batches were recomputed")
    return found


def _difference_faults(what: str, left: Stepped, right: Stepped, tolerance: float) -> list[str]:
    if list(left.outcome.terms) != list(right.outcome.terms):
        return [f"{what} give the terms {list(left.outcome.terms)} and {list(right.outcome.terms)}"]
    found = [
        f"{what} give {name} {value} and {right.outcome.terms[name]}"
        for name, value in left.outcome.terms.items()
        if not math.isclose(value, right.outcome.terms[name], rel_tol=tolerance, abs_tol=tolerance)
    ]
    apart = left.difference(right)
    return found + ([f"gradients of {what} differ by {apart:.1e}"] if not apart <= tolerance else [])


def _gradient_faults(stepped: Stepped) -> list[str]:
    found = []
    for name, gradient in stepped.gradients.items():
        if gradient is None:
            found.append(f"{name} has no gradient")
        elif not gradient.isfinite().all():
            found.append(f"{name} has a gradient that is not finite")
        elif not gradient.any() and not WITHOUT_EFFECT.search(name):
            found.append(f"{name} has a gradient of zeros")
    return found
