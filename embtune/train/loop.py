"""The training loop: a generator of step reports. Whoever iterates it logs, evaluates, saves and stops.

There are no callbacks. What happens between two steps happens in the caller's `for` body; breaking out of it stops the
run, and calling `train` again with the same state goes on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from embtune.catalog.spec import Coupling
from embtune.config.words import OnNonFinite
from embtune.errors import CommonRunError, Problem, RunError, ran_out_of_memory
from embtune.model.embedder import TextEmbedder
from embtune.model.lanes import Lanes, lanes
from embtune.train.adding import add_up_step
from embtune.train.ahead import made_ahead
from embtune.train.batches import BatchSchedule
from embtune.train.budget import EVERYTHING, Budget
from embtune.train.embed import EmbedSettings
from embtune.train.gradients import clip, total_norm
from embtune.train.graph_memory import tokens_that_fit
from embtune.train.half_weights import HalfWeights
from embtune.train.learning_rate import LearningRate
from embtune.train.matching import matched
from embtune.train.optimizer import Trainables, set_learning_rate
from embtune.train.outcome import GroupScores, StepOutcome, Vitals, read_scores
from embtune.train.planner import PlannedStep, Planner
from embtune.train.precision import MixedPrecision
from embtune.train.prepare import PreparedStep
from embtune.train.processes import Alone, Processes
from embtune.train.shards import Shards, part
from embtune.train.state import TrainState
from embtune.train.step import run_step
from embtune.train.task import Task
from embtune.train.token_gradients import add_by_row, forget_gradients

_STEPS_AHEAD = 2  # planned and on the device: one that is due next, and one more where planning takes longer


@dataclass(frozen=True)
class BadStep:
    """A step whose loss or gradient is not finite. step: counted from 1. what: of the two. rows: of the dataset."""

    step: int
    dataset: str
    what: str
    rows: tuple[int, ...]


class NonFinite(CommonRunError):
    """A step like that ended the run."""

    def __init__(self, problem: Problem, bad: BadStep) -> None:
        super().__init__(problem)
        self.bad = bad


@dataclass(frozen=True)
class StepReport:
    """What one step did.

    counts: what the objective found to learn from, by name. missing: those of them that are zero where zero means that
    there was nothing to learn. skipped: the weights were left alone, for the loss or gradient was not finite (`bad`),
    or the gradient not under the factor of the fp16 loss scaler, which then lowers it.
    vitals: by what it is seen whether the training learns anything.
    """

    step: int
    epoch: float
    dataset: str
    terms: dict[str, float]
    counts: dict[str, float]
    missing: tuple[str, ...]
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    token_slots: int
    seconds: float
    recomputed: int
    skipped: bool
    halved_to: int | None  # micro-batch budget after running out of memory in this step
    vitals: Vitals
    bad: BadStep | None


@dataclass
class Training:
    """Everything the loop works on.

    half: makes `towers`, where they are copies of what is trained. processes: that do each step together.
    lanes: open while the loop runs (see `Budget.lanes`).
    shards: has `towers`, where they are spread over the processes.
    """

    tasks: Sequence[Task]
    towers: Mapping[str, TextEmbedder]
    trainables: Trainables
    optimizer: torch.optim.Optimizer
    schedule: BatchSchedule
    learning_rate: LearningRate
    precision: MixedPrecision
    budget: Budget
    max_grad_norm: float
    on_non_finite: OnNonFinite
    seed: int
    half: HalfWeights | None = None
    processes: Processes = field(default_factory=Alone)
    lanes: Lanes = field(default_factory=Lanes)
    shards: Shards | None = None

    @property
    def writers(self) -> Processes:
        """Who writes weights together: all processes where each has a part of them, else each would do it alone."""
        return Alone() if self.shards is None else self.processes


def train(training: Training, state: TrainState) -> Generator[StepReport, None, None]:
    """Train from `state.step` to the end of the schedule, one report a step; `state` is up to date at each report.

    Raises:
        NonFinite: a loss or gradient is not finite and `on_non_finite` is STOP; the message names the rows. The weights
            are those of the last good step.
    """
    _set_training_mode(training)
    if training.shards is not None:
        training.shards.let_go()
    add_by_row(training.towers.values(), training.precision.device)
    world, device = training.processes.world, training.precision.device
    planner = Planner(training.tasks, training.towers, training.schedule, device, training.seed, world)
    steps = range(state.step, training.schedule.total_steps)
    made = made_ahead((planner.plan(step, training.budget) for step in steps), _STEPS_AHEAD)
    with closing(made) as plans, lanes(training.budget.lanes) as training.lanes:
        while state.step < training.schedule.total_steps:
            yield _step(training, state, planner, plans)


def _step(training: Training, state: TrainState, planner: Planner, plans: Iterator[PlannedStep]) -> StepReport:
    started = time.perf_counter()
    _set_training_mode(training)
    planned = next(plans)
    place, task = planned.place, planned.task
    rate = training.learning_rate.at(state.step)
    scores, halved_to = _within_memory(training, planner, planned)
    # The one wait of a step: for all it has to tell, before the weights change, so that no bad gradient reaches them.
    parameters = [parameter for _, parameter in training.trainables.trainable()]
    training.precision.scaler.unscale_(training.optimizer)
    norm = total_norm(parameters)
    outcome, (grad_norm,) = read_scores([scores], norm)
    bad = None if _finite(training, outcome, grad_norm) else _bad_step(task, place.batch.rows, state.step + 1, outcome)
    if bad is not None and training.on_non_finite is OnNonFinite.STOP:
        raise _non_finite(bad, outcome, grad_norm)
    if bad is None:
        clip(parameters, training.max_grad_norm, norm, grad_norm)
    skipped = not _optimise(training, rate, bad is not None)
    state.step += 1
    state.tokens += outcome.tokens
    state.scaler = training.precision.state()
    seconds = time.perf_counter() - started
    state.seconds += seconds
    return StepReport(
        state.step, place.epoch, task.rows.name, outcome.terms, outcome.counts, outcome.missing, outcome.loss, rate,
        grad_norm, outcome.tokens, outcome.token_slots, seconds, outcome.recomputed, skipped, halved_to,
        outcome.vitals, bad,
    )  # fmt: skip


def _set_training_mode(training: Training) -> None:
    """Frozen towers stay in evaluation mode: their embeddings are targets and thresholds."""
    training.trainables.train()
    for tower in training.towers.values():
        if not any(parameter.requires_grad for parameter in tower.parameters()):
            tower.eval()
    if training.half is not None:
        training.half.refresh()


def _within_memory(training: Training, planner: Planner, planned: PlannedStep) -> tuple[GroupScores, int | None]:
    """The step, repeated from its plan with half the budget as often as any process runs out of memory."""
    halved_to = None
    task, seed = planned.task, planned.seed
    while True:
        forget_gradients(training.optimizer, training.towers.values())
        if planned.budget != training.budget:  # cut before the device ran out of memory
            planned = planner.plan(planned.number, training.budget)
        try:
            step = planned.sent.arrived()
            if training.shards is not None:
                step = matched(step, training.towers, training.processes)
            groups = run_step(step, task.objective, _embed_settings(training, task, step), seed)
            return _added_up(training, groups, task, step), halved_to
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            if training.shards is not None:
                raise _out_of_memory_in_shards(training.budget) from error
            training.processes.out_of_memory(error)
            if training.budget.micro_batch_tokens == 1:
                raise _out_of_memory() from error
        training.budget = training.budget.halved()
        halved_to = training.budget.micro_batch_tokens
        torch.cuda.empty_cache()


def _added_up(training: Training, groups: Sequence[GroupScores], task: Task, step: PreparedStep) -> GroupScores:
    parameters = [parameter for _, parameter in training.trainables.trainable()]
    return add_up_step(training.processes, parameters, groups, task.objective.coupling, step.idle)


def _embed_settings(training: Training, task: Task, step: PreparedStep) -> EmbedSettings:
    """How to embed the step. How many graphs fit is measured ahead of the first step whose rows interact."""
    settings = EmbedSettings(
        training.towers, training.precision, task.every_layer, EVERYTHING, training.processes, training.lanes,
        matched=training.shards is not None,
    )  # fmt: skip
    has_texts = any(group.text_batches for group in step.groups)
    if task.objective.coupling is not Coupling.BATCH or not has_texts:
        return settings
    kept = training.budget.kept_tokens
    if kept is None:
        kept = tokens_that_fit(settings, step, _still_to_come(training))
        training.budget = replace(training.budget, kept_tokens=kept)
    return replace(settings, kept_tokens=kept)


def _still_to_come(training: Training) -> int:
    """Bytes of gradients, and of AdamW's two moments where it has none yet."""
    weights = sum(part(parameter.detach()).nbytes for _, parameter in training.trainables.trainable())
    return weights * (1 if training.optimizer.state else 3)


def _finite(training: Training, outcome: StepOutcome, grad_norm: float) -> bool:
    if not math.isfinite(outcome.loss):
        return False
    # under fp16 an infinite gradient is how the scaler finds its factor: it skips the step and lowers the factor
    return math.isfinite(grad_norm) or training.precision.scaler.is_enabled()


def _optimise(training: Training, rate: float, bad: bool) -> bool:
    """Change the weights, unless the step is bad. Whether they were: under fp16 the scaler has the last word.

    Raises:
        RunError: the scaler's factor is used up, so it is not overflow that makes the gradients infinite.
    """
    scaler = training.precision.scaler
    set_learning_rate(training.optimizer, rate)
    if not bad:
        scaler.step(training.optimizer)
    factor = scaler.get_scale()
    scaler.update()
    forget_gradients(training.optimizer, training.towers.values())
    if scaler.is_enabled() and scaler.get_scale() < 1:
        raise CommonRunError.of(
            "non-finite",
            "the gradients stay infinite at every factor of the fp16 loss scaler",
            "Lower train.learning_rate, or use train.precision: bf16 or fp32.",
        )
    return not bad and scaler.get_scale() >= factor


def _out_of_memory() -> CommonRunError:
    return CommonRunError.of(
        "out-of-memory",
        "there is no memory for a single text at a time, beside weights, optimiser and the vectors of the batch",
        "Lower model.max_seq_length or train.batch_size, use a smaller model, or free memory.",
    )


def _out_of_memory_in_shards(budget: Budget) -> RunError:
    """Of this process alone: the others are in the middle of a pass that needs its part of a layer."""
    tokens = budget.micro_batch_tokens
    return RunError.of(
        "out-of-memory",
        f"no memory for {tokens:,} tokens at a time, and processes that share a model cannot repeat a step",
        f"Set train.micro_batch_tokens: {max(1, tokens // 2)}; the same command goes on from the last checkpoint.",
    )


def _bad_step(task: Task, rows: np.ndarray, step: int, outcome: StepOutcome) -> BadStep:
    what = "loss" if not math.isfinite(outcome.loss) else "gradient"
    return BadStep(step, task.rows.name, what, tuple(rows.tolist()))


def _non_finite(bad: BadStep, outcome: StepOutcome, grad_norm: float) -> NonFinite:
    shown = ", ".join(map(str, bad.rows[:10])) + (", ..." if len(bad.rows) > 10 else "")
    message = (
        f"step {bad.step}: the {bad.what} is not finite (terms {outcome.terms}, gradient norm {grad_norm}); "
        f"dataset {bad.dataset!r}, rows {shown}"
    )
    hint = (
        "Lower train.learning_rate, use train.precision: fp32 to see whether it is overflow, "
        "or set train.on_non_finite: skip."
    )
    return NonFinite(Problem("non-finite", message, hint=hint), bad)
