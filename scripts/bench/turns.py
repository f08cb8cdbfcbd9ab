"""Two tools in turns, so that whatever else the machine does meets both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The middle of some repeats, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g} to {self.most:.3g})"


def in_turns(tools: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """What each tool measured: ABAB, `repeats` times each."""
    found: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(repeats):
        for name, measure in tools.items():
            found[name].append(measure())
    return found


def seconds(action: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of one call by the clock: wall time, or `time.process_time` on a machine that does other things too."""
    started = clock()
    action()
    return clock() - started


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; a last line break is not part of it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
