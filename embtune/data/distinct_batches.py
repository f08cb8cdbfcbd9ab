"""Batches in which no text stands twice: another row's copy of a text would be a false negative.

Algorithm, "first fit forward": rows are taken in order; each goes into the first batch that still has room and comes
after every batch that holds one of its texts. That needs one number a text (the batch after its last) and jump pointers
over full batches, so it takes O(rows x roles) steps whatever the data, where searching all batches would take
rows squared on data with one text in every row. On real data it opens at most one batch more than that search (NLI
triplets, MedQuAD, Tatoeba; 64 to 2048 rows a batch).

A text that stands in m rows needs m batches: if that is more than rows / batch size, the last ones are short.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cut_without_duplicates(
    rows: NDArray[np.int64], ids: NDArray[np.int32], text_count: int, batch_size: int
) -> list[NDArray[np.int64]]:
    """Batches of at most `batch_size` of `rows`, each row in exactly one.

    Args:
        ids: (N, roles) text ids of all rows of the dataset, -1 where there is no text. A text that a row holds twice
            is no duplicate.
    """
    batch_of_row = np.array(_first_fit(ids[rows].tolist(), text_count, batch_size), dtype=np.int64)
    order = np.argsort(batch_of_row, kind="stable")
    ends = np.cumsum(np.bincount(batch_of_row)) if len(rows) else np.array([0])
    return np.split(rows[order], ends[:-1]) if len(rows) else []


def _first_fit(texts_of_row: list[list[int]], text_count: int, batch_size: int) -> list[int]:
    """The number of each row's batch."""
    earliest = [0] * text_count  # text -> the first batch that may take it again
    batches = _OpenBatches(batch_size)
    chosen = []
    for texts in texts_of_row:
        wanted = 0
        for text in texts:
            if text >= 0 and earliest[text] > wanted:
                wanted = earliest[text]
        batch = batches.take(wanted)
        for text in texts:
            if text >= 0:
                earliest[text] = batch + 1
        chosen.append(batch)
    return chosen


class _OpenBatches:
    """Which batches have room. Batches are opened in order of their number, when first taken from."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._room = [batch_size]
        self._next = [0]  # where to look for room: at itself, or further on once full

    def take(self, batch: int) -> int:
        """Take one place in the first batch from number `batch` on that has room; its number."""
        path = []
        while self._next[batch] != batch:
            path.append(batch)
            batch = self._next[batch]
        for passed in path:  # so that nobody walks this way again
            self._next[passed] = batch
        self._room[batch] -= 1
        if batch + 1 == len(self._room):
            self._room.append(self._batch_size)
            self._next.append(batch + 1)
        if self._room[batch] == 0:
            self._next[batch] = batch + 1
        return batch
