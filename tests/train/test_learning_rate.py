"""The schedules against those of transformers."""

from __future__ import annotations

import pytest
import torch
from transformers import get_scheduler

from embtune.config.words import SchedulerType
from embtune.train.learning_rate import LearningRate, warmup_steps

_HUGGING_FACE_NAMES = {
    SchedulerType.LINEAR: "linear",
    SchedulerType.COSINE: "cosine",
    SchedulerType.CONSTANT: "constant_with_warmup",
}


@pytest.mark.parametrize("kind", list(SchedulerType))
@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_rates_equal_those_of_transformers(kind: SchedulerType, warmup: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
    scheduler = get_scheduler(_HUGGING_FACE_NAMES[kind], optimizer, num_warmup_steps=warmup, num_training_steps=23)
    ours = LearningRate(kind, 3e-4, warmup, 23)
    for step in range(23):
        assert ours.at(step) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        scheduler.step()


def test_the_rate_of_a_run_that_is_all_warm_up_stays_finite() -> None:
    assert LearningRate(SchedulerType.COSINE, 1.0, 5, 5).at(5) == 1.0


def test_a_share_of_the_steps_is_rounded_up() -> None:
    assert warmup_steps(101, 0.1) == 11
