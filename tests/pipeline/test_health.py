"""Sick training is noticed, once a run, and healthy training is left alone, whatever the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conformance_grid import Cell, all_cells
from conformance_step import prepare_cell, save_guide

from embtune.pipeline.health import SIGNS, Health, Sign
from embtune.pipeline.job import Job
from embtune.train.loop import StepReport, train
from embtune.train.outcome import Vitals
from embtune.train.state import TrainState

CELLS = tuple(cell for cell in all_cells() if cell.modifier in ("none", "MatryoshkaLoss") and not cell.lora)
FIRST_FORMS = tuple(
    {(cell.name, cell.modifier, cell.model): cell for cell in reversed(CELLS) if not cell.refused}.values()
)
HEALTHY = StepReport(
    step=1, epoch=0.0, dataset="train", terms={"loss": 1.0}, counts={}, missing=(), loss=1.0, learning_rate=1e-5,
    grad_norm=1.0, tokens=10, token_slots=10, seconds=0.1, recomputed=0, skipped=False, halved_to=None,
    vitals=Vitals({"model": 0.98}, {"mnrl": 0.7}, {"mnrl": 0.1}), bad=None,
)  # fmt: skip


def told(reports: Sequence[StepReport], total_steps: int = 1000) -> list[str]:
    """The codes that the steps of a run bring up, in order."""
    health = Health(TrainState(), total_steps)
    return [code for report in reports for code, _ in health.told_by(report)]


def with_vitals(cosine: float = 0.0, cost: float = 0.7, least: float = 0.1) -> StepReport:
    return replace(HEALTHY, vitals=Vitals({"model": cosine}, {"mnrl": cost}, {"mnrl": least}))


SICK = {
    "nothing-to-learn": replace(HEALTHY, counts={"valid_triplets": 0.0}, missing=("valid_triplets",), grad_norm=0.0),
    "no-gradient": replace(HEALTHY, grad_norm=0.0),
    "collapsed": with_vitals(cosine=0.9999),
    "saturated": with_vitals(cost=0.0),
    "soft-scale": with_vitals(least=0.9),
}


def test_there_is_a_case_for_each_sign() -> None:
    assert list(SICK) == [sign.code for sign in SIGNS]


@pytest.mark.parametrize("sign", SIGNS, ids=[sign.code for sign in SIGNS])
def test_a_sign_that_lasts_is_told_once(sign: Sign) -> None:
    report = SICK[sign.code]
    assert told([report] * (sign.patience - 1)) == []
    assert told([report] * (3 * sign.patience)) == [sign.code]


@pytest.mark.parametrize("code", ["no-gradient", "collapsed", "saturated"])
def test_a_healthy_step_between_starts_the_count_anew(code: str) -> None:
    assert told(([SICK[code]] * 9 + [HEALTHY]) * 5) == []


def test_batches_without_anything_need_not_follow_each_other() -> None:
    assert told(([SICK["nothing-to-learn"]] + [HEALTHY] * 3) * 12) == ["nothing-to-learn"]


def test_a_short_run_is_told_early() -> None:
    assert told([SICK["collapsed"]] * 4, total_steps=4) == ["collapsed"]


def test_sure_and_wrong_is_saturated_but_a_collapse_is_not() -> None:
    assert told([with_vitals(cost=30.0)] * 20) == ["saturated"]
    assert told([with_vitals(cosine=0.9999, cost=30.0)] * 20) == ["collapsed"]


def test_sets_of_a_mixture_are_counted_apart() -> None:
    other = replace(SICK["no-gradient"], dataset="other")
    assert told([SICK["no-gradient"], HEALTHY, other] * 9) == []
    assert told([SICK["no-gradient"], replace(HEALTHY, dataset="other")] * 10) == ["no-gradient"]


def test_a_resumed_run_goes_on_counting_and_warns_no_more() -> None:
    state = TrainState()
    for _ in range(7):
        assert list(Health(state, 1000).told_by(SICK["no-gradient"])) == []
        state = TrainState.from_json(state.to_json())
    assert [code for _ in range(9) for code, _ in Health(state, 1000).told_by(SICK["no-gradient"])] == ["no-gradient"]
    again = TrainState.from_json(state.to_json())
    assert [code for _ in range(30) for code, _ in Health(again, 1000).told_by(SICK["no-gradient"])] == []


def test_the_text_says_what_was_seen_and_what_to_do() -> None:
    health = Health(TrainState(), 2)
    idle = replace(SICK["no-gradient"], step=3, counts={"active_triplets": 0.0})
    ((code, text),) = [told for _ in range(3) for told in health.told_by(idle)]
    assert code == "no-gradient"
    assert text.startswith("step 3: the gradient is 0 (no active triplets), and the weights stay as they are")
    assert "harder negatives" in text


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model for losses that want one beside the trained."""
    return save_guide(tmp_path_factory.mktemp("guide"))


def signs_of(job: Job) -> list[tuple[str, str]]:
    """What a whole run of a job brings up."""
    health = Health(TrainState(), job.training.schedule.total_steps)
    return [told for report in train(job.training, TrainState()) for told in health.told_by(report)]


@pytest.mark.parametrize("cell", FIRST_FORMS, ids=str)
def test_healthy_training_raises_no_alarm(cell: Cell, tmp_path: Path, guide: Path) -> None:
    assert signs_of(prepare_cell(cell, tmp_path, guide, ("train.max_steps=4",))) == []


def ranking(tmp_path: Path, guide: Path, *overrides: str) -> Job:
    """A ranking loss on a static model, for twelve steps."""
    cell = next(each for each in FIRST_FORMS if each.name == "MultipleNegativesRankingLoss" and each.model == "static")
    return prepare_cell(cell, tmp_path, guide, ("train.max_steps=12", *overrides))


def test_collapsed_embeddings_are_seen_in_a_run(tmp_path: Path, guide: Path) -> None:
    job = ranking(tmp_path, guide)
    with torch.no_grad():
        for _, parameter in job.training.trainables.trainable():
            parameter.copy_(torch.ones_like(parameter) + 1e-3 * parameter)
    assert [code for code, _ in signs_of(job)] == ["collapsed"]


@pytest.mark.parametrize(
    ("scale", "code"), [("0.05", "soft-scale"), ("1000000.0", "saturated")], ids=["too low", "too high"]
)
def test_a_scale_that_saturates_is_seen_in_a_run(tmp_path: Path, guide: Path, scale: str, code: str) -> None:
    job = ranking(tmp_path, guide, f"loss=[{{name: MultipleNegativesRankingLoss, scale: {scale}}}]")
    assert [found for found, _ in signs_of(job)] == [code]


def test_no_gradient_is_seen_in_a_run(tmp_path: Path, guide: Path) -> None:
    """Weights that stay at zero get none: no text has a direction."""
    job = ranking(tmp_path, guide)
    with torch.no_grad():
        for _, parameter in job.training.trainables.trainable():
            parameter.zero_()
    assert [code for code, _ in signs_of(job)] == ["no-gradient"]
