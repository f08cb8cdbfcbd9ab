"""Cells that cannot be used, by what is wrong with them and the role they play."""

from __future__ import annotations

from dataclasses import dataclass

from embtune.data.found import PLACES
from embtune.errors import Problem


@dataclass(frozen=True)
class BadCells:
    """One kind: the problem's code, the role (empty where a row could not be read at all), and the first problems."""

    code: str
    role: str
    count: int
    first: tuple[Problem, ...]


class BadCellCounts:
    """Counts the bad cells of a dataset, one a row: the first that was met in it."""

    def __init__(self) -> None:
        self.count = 0
        self._kinds: dict[tuple[str, str], tuple[list[int], list[Problem]]] = {}

    def add(self, problem: Problem, role: str) -> None:
        """One more."""
        self.count += 1
        counter, first = self._kinds.setdefault((problem.code, role), ([0], []))
        counter[0] += 1
        if len(first) < PLACES:
            first.append(problem)

    def found(self) -> tuple[BadCells, ...]:
        """All kinds, the most frequent first."""
        kinds = [BadCells(code, role, number[0], tuple(first)) for (code, role), (number, first) in self._kinds.items()]
        return tuple(sorted(kinds, key=lambda kind: -kind.count))
