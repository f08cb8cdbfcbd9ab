"""Whether losses that compare the classes of a batch find classes to compare: in the data, and in each batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embtune.catalog import effective_spec
from embtune.catalog.spec import Need
from embtune.config.sections.losses import LossConfig
from embtune.data.examples import Examples
from embtune.data.labels import LabelArray
from embtune.data.samplers import Rows
from embtune.errors import DataError
from embtune.train.batches import BatchSchedule

_HINT = (
    "Add rows with other classes, or, if another column holds the class, name it in columns: {text: ..., label: ...}."
)
_HINT_OF_PAIRS = (
    "Add rows with other classes, or, if another column holds the class, name it in "
    "columns: {sentence_A: ..., sentence_B: ..., label: ...}."
)


def comparing(losses: Sequence[LossConfig]) -> tuple[str, ...]:
    """The names of those losses that compare the classes of a batch."""
    return tuple(loss.spec.name for loss in losses if Need.GROUP_BY_LABEL in effective_spec(loss.spec).needs)


def _telling(losses: Sequence[LossConfig]) -> tuple[str, ...]:
    """The names of those losses that learn to tell the classes of rows."""
    return tuple(loss.spec.name for loss in losses if Need.NUM_LABELS in effective_spec(loss.spec).needs)


def check_classes(examples: Examples, losses: Sequence[LossConfig]) -> None:
    """Hold the classes of a training set against losses that compare or tell them.

    Raises:
        DataError: the set has one class only, or no two rows of a class, so that no batch has a triplet.
    """
    names, telling = comparing(losses), _telling(losses)
    if not (names or telling) or examples.labels is None:
        return
    rows, classes = len(examples), len(np.unique(examples.labels))
    if classes == 1:
        found = f"all {rows:,} rows of {examples.name!r} have the same class"
        hint = _HINT if names else _HINT_OF_PAIRS
        raise DataError.of("one-class", f"{found}, and {(names or telling)[0]} needs at least two", hint)
    if classes == rows and names:
        found = f"no two of the {rows:,} rows of {examples.name!r} have the same class"
        raise DataError.of("no-class-twice", f"{found}, and {names[0]} compares texts of a class", _HINT)


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
