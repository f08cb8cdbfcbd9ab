"""Which rows train together: an epoch's batches, planned exactly before it begins.

A plan is a pure function of the data, the seed and the epoch's number, so every process makes the same one and a
resumed run finds its place by counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from embtune.config.words import MixtureStrategy
from embtune.data.distinct_batches import cut_without_duplicates
from embtune.data.examples import Examples
from embtune.data.label_batches import cut_by_label
from embtune.data.mixtures import in_order

Rows = NDArray[np.int64]
_ROWS, _BATCHES = 0, 1  # what a random stream is for: the same seed never serves two purposes


class SamplerKind(Enum):
    """How rows are put into batches. The values are the words of the config."""

    RANDOM = "random"
    NO_DUPLICATES = "no_duplicates"  # no text twice in a batch, but within one row
    GROUP_BY_LABEL = "group_by_label"  # rows of a class come at least in pairs, beside those of another
    SEQUENTIAL = "sequential"  # the order of the files, set after set


@dataclass(frozen=True, eq=False)
class PlannedBatch:
    """The rows of one optimiser step: `rows` (n,) int64 of dataset number `dataset`, n at most its batch size."""

    dataset: int
    rows: Rows


def plan_epoch(
    datasets: Sequence[Examples],
    kinds: Sequence[SamplerKind],
    batch_sizes: Sequence[int],
    seed: int,
    epoch: int,
    weights: Sequence[float] | None = None,
    strategy: MixtureStrategy = MixtureStrategy.PROPORTIONAL,
) -> list[PlannedBatch]:
    """The batches of one epoch, in order.

    A batch holds rows of one dataset. Batches are shuffled, unless the order of all that are shuffled together is the
    files'. A short batch is kept, so no row is ever lost.

    Args:
        kinds: how rows are put into batches, for each dataset.
        batch_sizes: most rows of a batch, for each dataset.
        epoch: counts from 0.
        weights: how often an epoch sees each dataset's rows, 1 by default. 2 goes through them twice, in two passes
            with batches of their own; with 0.5 an epoch sees one half and the next epoch the other.
        strategy: in which order the batches of several datasets come.

    Raises:
        ValueError: `GROUP_BY_LABEL` on a dataset without classes.
    """
    batches = [
        [
            PlannedBatch(number, rows)
            for part in _parts(data, kinds[number], (seed, _ROWS, number), epoch, weights[number] if weights else 1.0)
            for rows in _cut(data, part, kinds[number], batch_sizes[number])
        ]
        for number, data in enumerate(datasets)
    ]

    def shuffled(some: Sequence[PlannedBatch], dataset: int | None) -> Sequence[PlannedBatch]:
        if all(kind is SamplerKind.SEQUENTIAL for kind in (kinds if dataset is None else (kinds[dataset],))):
            return some
        stream = (seed, _BATCHES, epoch) if dataset is None else (seed, _BATCHES, epoch, dataset)
        return [some[i] for i in np.random.default_rng(stream).permutation(len(some)).tolist()]

    return in_order(batches, strategy, shuffled)


def _parts(data: Examples, kind: SamplerKind, stream: tuple[int, ...], epoch: int, weight: float) -> list[Rows]:
    """The rows an epoch sees of a dataset, one part for each pass through the data that it touches.

    All epochs together read an endless row of passes, each a permutation of the dataset; an epoch is the next
    `weight` passes of it.
    """
    size = len(data)
    start, stop = (int(each * weight * size + 0.5) for each in (epoch, epoch + 1))
    parts = []
    for number in range(start // size, -(-stop // size)):
        order = np.arange(size) if kind is SamplerKind.SEQUENTIAL else _permutation(size, (*stream, number))
        parts.append(order[max(0, start - number * size) : stop - number * size])
    return parts


def _permutation(size: int, stream: tuple[int, ...]) -> Rows:
    return np.random.default_rng(stream).permutation(size).astype(np.int64)


def _cut(data: Examples, rows: Rows, kind: SamplerKind, batch_size: int) -> list[Rows]:
    """The rows of one part as batches."""
    if kind is SamplerKind.NO_DUPLICATES:
        return cut_without_duplicates(rows, data.ids, len(data.texts), batch_size)
    if kind is SamplerKind.GROUP_BY_LABEL:
        if data.labels is None or data.labels.dtype.kind != "i":
            raise ValueError(f"group_by_label needs classes, and dataset {data.name!r} has none")
        return cut_by_label(rows, data.labels, batch_size)
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
