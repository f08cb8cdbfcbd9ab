"""`steps: 50` or `steps: 0.1`: when something that recurs is due."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Due:
    """Every `every` steps, and after the last one."""

    every: int | None
    total: int

    @classmethod
    def at_interval(cls, interval: int | float | None, total: int) -> Due:
        """From a number of steps, or the share of all steps between two times; None is the last step alone."""
        if interval is None or isinstance(interval, int):
            return cls(interval, total)
        return cls(max(1, round(interval * total)), total)

    def at(self, step: int) -> bool:
        """Whether it is due after `step` finished steps."""
        return step > 0 and (step == self.total or (self.every is not None and step % self.every == 0))

    @property
    def times(self) -> int:
        """How often it is due in all."""
        regular = self.total // self.every if self.every else 0
        return regular + (1 if self.total and not (self.every and self.total % self.every == 0) else 0)
