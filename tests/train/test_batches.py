"""The batch schedule: the number of steps is known before the first, and a step's batch is found by number alone."""

from __future__ import annotations

import numpy as np
import pytest

from embtune.data.samplers import PlannedBatch
from embtune.train.batches import BatchSchedule, EndlessError


def epochs_of(*lengths: int) -> list[list[PlannedBatch]]:
    return [[PlannedBatch(0, np.array([100 * epoch + i])) for i in range(n)] for epoch, n in enumerate(lengths)]


def test_batches_of_all_epochs_follow_one_another() -> None:
    plans = epochs_of(3, 2, 4)
    schedule = BatchSchedule(lambda epoch: plans[epoch], epochs=3, max_steps=None)
    seen = [int(schedule.at(step).batch.rows[0]) for step in range(schedule.total_steps)]
    assert seen == [0, 1, 2, 100, 101, 200, 201, 202, 203]


def test_part_of_an_epoch_is_part_of_its_batches() -> None:
    plans = epochs_of(4, 4)
    assert BatchSchedule(lambda epoch: plans[epoch], epochs=1.5, max_steps=None).total_steps == 6


def test_max_steps_takes_as_many_epochs_as_it_needs() -> None:
    plans = epochs_of(2, 2, 2)
    schedule = BatchSchedule(lambda epoch: plans[epoch], epochs=1, max_steps=5)
    assert schedule.total_steps == 5
    assert schedule.at(4).epoch == 2.5


def test_any_step_can_be_asked_for_in_any_order() -> None:
    plans = epochs_of(3, 3, 3)
    schedule = BatchSchedule(lambda epoch: plans[epoch], epochs=3, max_steps=None)
    assert [int(schedule.at(step).batch.rows[0]) for step in (8, 0, 4)] == [202, 0, 101]


def test_an_epoch_without_batches_is_an_error() -> None:
    with pytest.raises(ValueError, match="no batch"):
        BatchSchedule(lambda epoch: [], epochs=1, max_steps=None)


def test_more_passes_over_the_data_than_can_be_planned_are_refused_at_once() -> None:
    with pytest.raises(EndlessError, match=r"1,000,000,000,000 steps"):
        BatchSchedule(lambda epoch: [PlannedBatch(0, np.arange(2))] * 3, 1.0, 10**12)
