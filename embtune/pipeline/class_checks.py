"""Whether losses that compare the classes of a batch find classes to compare in each batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embtune.catalog import effective_spec
from embtune.catalog.spec import Need
from embtune.config.sections.losses import LossConfig
from embtune.data.examples import Examples
from embtune.data.labels import LabelArray
from embtune.data.samplers import Rows
from embtune.train.batches import BatchSchedule


def comparing(losses: Sequence[LossConfig]) -> tuple[str, ...]:
    """The names of those losses that compare the classes of a batch."""
    return tuple(loss.spec.name for loss in losses if Need.GROUP_BY_LABEL in effective_spec(loss.spec).needs)


def batches_without_triplets(
    datasets: Sequence[Examples], comparing_sets: Sequence[bool], schedule: BatchSchedule
) -> tuple[int, int]:
    """How many of the first epoch's batches lack two rows of a class beside one of another, and of how many.

    Args:
        datasets: as the schedule numbers them.
        comparing_sets: for each, whether its losses compare classes; batches of others are not counted.
        schedule: of the run.
    """
    batches = [schedule.at(step).batch for step in range(schedule.steps_per_epoch)]
    found = [_has_triplet(datasets[each.dataset].labels, each.rows) for each in batches if comparing_sets[each.dataset]]
    return found.count(False), len(found)


def _has_triplet(labels: LabelArray | None, rows: Rows) -> bool:
    assert labels is not None, "a loss that compares classes was given classes"
    _, sizes = np.unique(labels[rows], return_counts=True)
    return len(sizes) > 1 and int(sizes.max()) > 1
