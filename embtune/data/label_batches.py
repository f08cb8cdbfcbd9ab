"""Batches with at least two rows of a class and at least two classes, as losses need that compare classes.

Rows are dealt like cards. Each class is cut into pairs, and one triple if its rows are odd in number; these packets are
dealt to the batches in turn, triples first, then the pairs class by class, the largest class last. So packets that are
not of the largest class reach every batch if there are as many of them, and pairs of one class go to different batches
as long as there are. No row is dropped: where one class holds nearly all rows, the batches that got no other class are
kept, and a class with a single row is alone of its kind in its batch. Takes O(rows) steps, a few times over.

Triples can crowd out the second class, in small batches and in small data. Where they leave more batches of one class
than there need be, the odd row of each class is dealt alone instead, after all pairs.

Batches are about equally large instead of full with a small rest, which might hold one class only.
"""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from embtune.data.labels import LabelArray

_SMALLEST = 4  # rows of a batch with two classes of two rows
_ATTEMPTS = 17  # ever more batches, until triples leave no packet without a place


def cut_by_label(rows: NDArray[np.int64], labels: LabelArray, batch_size: int) -> list[NDArray[np.int64]]:
    """Batches of at most `batch_size` of `rows`, each row in exactly one.

    As few batches as rows need; up to rows / (batch size - 2) where triples leave gaps. Below four rows a batch there
    is no room for two pairs, and the rows are only cut.

    Args:
        rows: in random order; that order decides which rows of a class meet.
        labels: (N,) class of each row of the dataset.
    """
    if batch_size < _SMALLEST:
        return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    batches = _cut(_packets(rows, labels, triples=True), len(rows), batch_size)
    lone = _of_one_class(batches, labels)
    if lone == 0:
        return batches
    without_triples = _cut(_packets(rows, labels, triples=False), len(rows), batch_size)
    return without_triples if _of_one_class(without_triples, labels) < lone else batches


def _of_one_class(batches: list[NDArray[np.int64]], labels: LabelArray) -> int:
    """How many batches have one class only."""
    return sum(bool((labels[batch] == labels[batch[0]]).all()) for batch in batches)


def _cut(packets: list[list[int]], rows: int, batch_size: int) -> list[NDArray[np.int64]]:
    """The packets in as few batches as they fit in."""
    # With two rows to spare in each batch there is always one with room for a triple, so the last attempt succeeds.
    spares = np.linspace(0, 2, _ATTEMPTS)
    attempts = (_deal(packets, math.ceil(rows / (batch_size - spare)), batch_size) for spare in spares)
    batches = next(dealt for dealt in attempts if dealt is not None)
    return [np.array(batch, dtype=np.int64) for batch in batches if batch]


def _packets(rows: NDArray[np.int64], labels: LabelArray, triples: bool) -> list[list[int]]:
    """All rows as packets of one class, in the order of dealing.

    Triples come first, while every batch has room for one; that of the largest class before all others, so that what
    is not of the largest class is dealt in one go. Without triples the odd rows come last.
    """
    threes, pairs = [], []
    for members in _classes(rows, labels):
        odd = 3 if triples and len(members) > 2 and len(members) % 2 else 0
        threes += [members[:odd]] if odd else []
        pairs += [members[start : start + 2] for start in range(odd, len(members), 2)]
    if not triples:
        pairs.sort(key=len, reverse=True)
    return threes[-1:] + threes[:-1] + pairs


def _classes(rows: NDArray[np.int64], labels: LabelArray) -> list[list[int]]:
    """The rows of each class. Classes stand in random order (of their first row), the largest one last."""
    by_class: dict[int, list[int]] = {}
    for row, label in zip(rows.tolist(), labels[rows].tolist(), strict=True):
        by_class.setdefault(label, []).append(row)
    largest = max(by_class, key=lambda label: len(by_class[label]), default=None)
    last = [by_class.pop(largest)] if largest is not None else []
    return [*by_class.values(), *last]


def _deal(packets: list[list[int]], count: int, batch_size: int) -> list[list[int]] | None:
    """Deal the packets to `count` batches in turn, passing those without room; None where one does not fit."""
    batches: list[list[int]] = [[] for _ in range(count)]
    turn = 0
    for packet in packets:
        around = chain(range(turn, count), range(turn))
        chosen = next((i for i in around if len(batches[i]) + len(packet) <= batch_size), None)
        if chosen is None:
            return None
        batches[chosen] += packet
        turn = (chosen + 1) % count
    return batches
