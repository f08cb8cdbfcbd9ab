"""A fair sample of the rows of a stream, in bounded memory: every row is as likely as any other to be in it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from embtune.errors import Location

SIZE = 5000  # rows
_CHARACTERS = 1 << 25  # of all texts together; a sample of very long texts is a smaller one


@dataclass(frozen=True)
class SampledRow:
    """Where a row stands, and its texts in role order."""

    number: int  # from 0, among the good rows
    place: Location
    texts: tuple[str | None, ...]


class RowSample:
    """Reservoir sampling that draws how many rows to pass over (algorithm L), seeded.

    Paper: Li, "Reservoir-Sampling Algorithms of Time Complexity O(n(1 + log(N/n)))", 1994,
    https://doi.org/10.1145/198429.198435
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._random = random.Random(0)
        self._kept: list[SampledRow] = []
        self._characters = 0
        self._seen = 0
        self._weight = 1.0
        self._next = 0

    def add(self, place: Location, texts: Sequence[str | None]) -> None:
        """Look at one more row."""
        if self._seen == self._next:
            self._keep(SampledRow(self._seen, place, tuple(texts)))
        self._seen += 1

    def rows(self) -> list[SampledRow]:
        """The sample in the order of the stream; all rows where there are no more than its size."""
        return sorted(self._kept, key=lambda row: row.number)

    def _keep(self, row: SampledRow) -> None:
        self._characters += _length(row)
        if len(self._kept) < self._size:
            self._kept.append(row)
        else:
            place = self._random.randrange(self._size)
            self._characters -= _length(self._kept[place])
            self._kept[place] = row
        while self._characters > _CHARACTERS and len(self._kept) > 1:
            self._halve()
        self._next = row.number + 1 if len(self._kept) < self._size else row.number + self._skip()

    def _halve(self) -> None:
        self._size = max(1, len(self._kept) // 2)
        self._random.shuffle(self._kept)
        self._characters -= sum(map(_length, self._kept[self._size :]))
        del self._kept[self._size :]
        self._weight = min(self._weight, self._size / (self._seen + 1))

    def _skip(self) -> int:
        """How far the next row of the sample is."""
        self._weight *= math.exp(math.log(self._random.random()) / self._size)
        return math.floor(math.log(self._random.random()) / math.log1p(-self._weight)) + 1


def _length(row: SampledRow) -> int:
    return sum(len(text) for text in row.texts if text is not None)
