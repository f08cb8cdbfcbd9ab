"""The loop: what it does with a step that went wrong, and that its reports are true."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from engine import engine, examples, scratch_model
from torch import nn

from embtune.catalog.spec import LabelKind
from embtune.config.words import OnNonFinite, Precision, SchedulerType
from embtune.data.samplers import PlannedBatch
from embtune.errors import RunError
from embtune.losses.objective import Objective
from embtune.train import loop
from embtune.train.batches import BatchSchedule
from embtune.train.budget import EVERYTHING, Budget
from embtune.train.embed import EmbedSettings
from embtune.train.learning_rate import LearningRate
from embtune.train.loop import Training, train
from embtune.train.making import RowMaker
from embtune.train.optimizer import build_adamw
from embtune.train.outcome import GroupScores
from embtune.train.precision import MixedPrecision
from embtune.train.prepare import PreparedStep
from embtune.train.rows import TrainingRows
from embtune.train.state import TrainState
from embtune.train.step import run_step
from embtune.train.task import Task

STEPS = 4


def training(
    on_non_finite: OnNonFinite = OnNonFinite.STOP, rate: float = 1e-3, precision: Precision = Precision.FP32
) -> Training:
    """Four steps of eight rows."""
    made = engine("mnrl", examples(("anchor", "positive"), LabelKind.NONE, size=8 * STEPS), model=scratch_model())
    trainables = made.trainables
    batches = [PlannedBatch(0, np.arange(8) + 8 * step) for step in range(STEPS)]
    return Training(
        tasks=[Task(made.rows, made.objective, every_layer=False)],
        towers={"model": made.model},
        trainables=trainables,
        optimizer=build_adamw(trainables, rate, 0.0),
        schedule=BatchSchedule(lambda epoch: batches, 1, None),
        learning_rate=LearningRate(SchedulerType.CONSTANT, rate, 0, STEPS),
        precision=MixedPrecision(precision, torch.device("cpu")),
        budget=Budget(256, EVERYTHING, EVERYTHING, 64, launch_tokens=256),
        max_grad_norm=1.0,
        on_non_finite=on_non_finite,
        seed=1,
    )


def spoil(made: Training) -> None:
    """Make the next loss NaN."""
    with torch.no_grad():
        parameter = next(iter(made.trainables.parameters()))
        parameter.fill_(math.nan)


def weights(made: Training) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in made.trainables.parameters()]


def test_reports_follow_the_state() -> None:
    made, state = training(), TrainState()
    reports = list(train(made, state))
    assert [report.step for report in reports] == [1, 2, 3, 4] == list(range(1, state.step + 1))
    assert [report.epoch for report in reports] == [0.25, 0.5, 0.75, 1.0]
    assert state.tokens == sum(report.tokens for report in reports)
    assert all(report.loss == pytest.approx(sum(report.terms.values())) for report in reports)
    assert not any(report.skipped for report in reports)


def test_going_on_from_the_middle_gives_the_same_weights() -> None:
    whole = training()
    list(train(whole, TrainState()))
    parts, state = training(), TrainState()
    first: Iterator[object] = train(parts, state)
    next(first), next(first)
    first.close()  # type: ignore[attr-defined]
    torch.manual_seed(999)  # whatever happens in between
    list(train(parts, state))
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(parts), strict=True))


def test_steps_planned_ahead_are_those_planned_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = training()
    reports = list(train(ahead, TrainState()))
    monkeypatch.setattr(loop, "made_ahead", lambda things, ahead: (thing for thing in things))
    when_due = training()
    assert [(r.loss, r.grad_norm) for r in train(when_due, TrainState())] == [(r.loss, r.grad_norm) for r in reports]
    assert all(torch.equal(a, b) for a, b in zip(weights(ahead), weights(when_due), strict=True))


def planning_threads() -> int:
    return sum(thread.name == "made-ahead" for thread in threading.enumerate())


def test_a_run_that_is_broken_off_leaves_no_thread() -> None:
    for _ in train(training(), TrainState()):
        assert planning_threads() == 1
        break
    assert planning_threads() == 0


def test_what_fails_while_a_step_is_planned_ends_the_run_at_that_step() -> None:
    class Failing(RowMaker):
        def texts_for(self, rows: int) -> int:
            return rows

        def make(self, data: TrainingRows, texts: np.ndarray, seed: int) -> TrainingRows:
            if texts[0] == 16:
                raise LookupError("of the third step")
            return data.select(texts)

    made, state = training(), TrainState()
    made.tasks = [replace(made.tasks[0], maker=Failing())]
    with pytest.raises(LookupError, match="of the third step"):
        list(train(made, state))
    assert state.step == 2
    assert planning_threads() == 0


def test_a_loss_that_is_not_finite_stops_with_its_rows() -> None:
    made = training()
    spoil(made)
    with pytest.raises(RunError, match=r"step 1: the loss is not finite.*rows 0, 1, 2") as raised:
        list(train(made, TrainState()))
    assert "train.learning_rate" in str(raised.value)


def test_with_skip_the_weights_stay_and_the_run_goes_on() -> None:
    made = training(OnNonFinite.SKIP)
    spoil(made)
    before = weights(made)
    reports = list(train(made, TrainState()))
    assert [report.skipped for report in reports] == [True] * STEPS
    assert all(torch.equal(a, b) for a, b in zip(before[1:], weights(made)[1:], strict=True))


def test_clipping_bounds_the_norm_over_everything_trainable() -> None:
    made = replace(training(), max_grad_norm=1e-3)
    seen: list[float] = []

    def record(optimizer: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        gradients = [p.grad for p in made.trainables.parameters() if p.grad is not None]
        seen.append(float(nn.utils.get_total_norm(gradients)))

    made.optimizer.register_step_pre_hook(record)
    reports = list(train(made, TrainState()))
    assert all(norm <= 1.001e-3 for norm in seen)
    assert all(report.grad_norm > 1e-2 for report in reports), "the report tells the norm before clipping"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_without_memory_the_step_is_repeated_with_half_the_budget(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A device that cannot hold more than 64 token slots at a time, played by the engine's own step."""
    undisturbed = training()
    list(train(undisturbed, TrainState()))
    made, real = training(), run_step

    def small_device(step: PreparedStep, objective: Objective, settings: EmbedSettings, seed: int) -> list[GroupScores]:
        if any(each.features.token_slots > 64 for group in step.groups for each in group.text_batches):
            raise error
        return real(step, objective, settings, seed)

    monkeypatch.setattr(loop, "run_step", small_device)
    reports = list(train(made, TrainState()))
    assert [report.halved_to for report in reports] == [64, None, None, None]
    exact = training()
    exact.budget = replace(exact.budget, micro_batch_tokens=64)
    list(train(exact, TrainState()))
    for ours, theirs in zip(weights(made), weights(exact), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_overflow_under_fp16_is_a_skipped_step_that_is_told() -> None:
    made = training(precision=Precision.FP16, on_non_finite=OnNonFinite.SKIP)
    made.precision.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    first = next(iter(train(made, TrainState())))
    assert first.skipped
    assert made.precision.scaler.get_scale() < 2.0**40
