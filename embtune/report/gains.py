"""Metrics before and after training, and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_UNCHANGED = 5e-5  # what four decimals show as no change


@dataclass(frozen=True)
class Gain:
    """One metric of two models. Higher is better."""

    metric: str
    before: float
    after: float

    @property
    def gain(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def is_worse(self) -> bool:
        """Whether it fell by more than the table's rounding."""
        return self.gain < -_UNCHANGED


def gains(before: Mapping[str, float], after: Mapping[str, float], names: Sequence[str]) -> list[Gain]:
    """A gain for each of `names` that both models were measured by, in that order."""
    return [Gain(name, before[name], after[name]) for name in names if name in before and name in after]


def gain_table(rows: Sequence[Gain]) -> list[str]:
    """A header and one aligned line a metric."""
    width = max((len(row.metric) for row in rows), default=0)
    width = max(width, len("metric"))
    header = f"{'metric':<{width}}  {'before':>8}  {'after':>8}  {'gain':>8}"
    lines = [f"{row.metric:<{width}}  {row.before:>8.4f}  {row.after:>8.4f}  {row.gain:>+8.4f}" for row in rows]
    return [header, *lines]
