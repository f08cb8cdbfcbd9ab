"""The labels of very many rows, counted: classes by name, numbers by their range and where in it they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from embtune.data.found import Found, Tally
from embtune.errors import Location

MOST_CLASSES = 1 << 16  # counted by name
BINS = 10


@dataclass(frozen=True)
class NumberRange:
    """The finite numbers of all labels. `tenths` counts labels in each tenth of 0 to 1; 0 everywhere for lists."""

    lowest: float
    highest: float
    mean: float
    tenths: tuple[int, ...]


class ClassCounts:
    """Counts rows by class."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self.others = 0  # rows of classes beyond MOST_CLASSES

    def add(self, name: str, place: Location) -> None:
        """One more row."""
        tally = self._tallies.get(name)
        if tally is None:
            if len(self._tallies) >= MOST_CLASSES:
                self.others += 1
                return
            tally = self._tallies[name] = Tally()
        tally.add(place)

    def found(self) -> dict[str, Found]:
        """Class -> its rows, in the order of first use."""
        return {name: tally.found() for name, tally in self._tallies.items()}


class NumberCounts:
    """Counts numbers: of a label that is one, or of each in a label that is a list."""

    def __init__(self) -> None:
        self._lowest, self._highest = math.inf, -math.inf
        self._sum, self._count = 0.0, 0
        self._tenths = [0] * BINS

    def add(self, label: object) -> None:
        """The number, or all finite numbers of an array."""
        if isinstance(label, float):  # finite, as every score is
            self._count_all(label, label, label, 1)
            self._tenths[min(BINS - 1, max(0, int(label * BINS)))] += 1
            return
        assert isinstance(label, np.ndarray), "labels of numbers are floats or arrays of them"
        values = label[np.isfinite(label)]
        if values.size:
            self._count_all(float(values.min()), float(values.max()), float(values.sum()), values.size)

    def _count_all(self, lowest: float, highest: float, total: float, count: int) -> None:
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, highest)
        self._sum += total
        self._count += count

    def found(self) -> NumberRange | None:
        """What was counted; None of nothing."""
        if not self._count:
            return None
        return NumberRange(self._lowest, self._highest, self._sum / self._count, tuple(self._tenths))
