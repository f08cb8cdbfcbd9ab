"""The classifiers of pairs that a run trains beside the model, with the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.evaluate.class_pairs import PairClassifier
from embtune.losses.pair_head import pair_heads
from embtune.pipeline.datasets import TrainSet, classes_of
from embtune.train.task import Task


def trained_classifiers(train_sets: Sequence[TrainSet], tasks: Sequence[Task]) -> tuple[PairClassifier, ...]:
    """Those of every objective that has heads, in the order of the training sets; shared ones once."""
    found: dict[int, PairClassifier] = {}
    for data, task in zip(train_sets, tasks, strict=True):
        heads = pair_heads(task.objective)
        if heads:
            found.setdefault(id(task.objective), PairClassifier(classes_of(data.examples), heads))
    return tuple(found.values())
