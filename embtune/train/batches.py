"""Which rows each step of the run trains on: epochs of planned batches, addressed by step.

Epochs are planned exactly and ahead, so the number of steps is known before the first one, and a resumed run finds its
place by number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from embtune.data.samplers import PlannedBatch

MOST_EPOCHS = 100_000
EpochPlan = Callable[[int], Sequence[PlannedBatch]]


@dataclass(frozen=True)
class Place:
    """A step's place in the run: its batch, and how many epochs are done after it (1.5: the middle of the second)."""

    epoch: float
    batch: PlannedBatch


class EndlessError(ValueError):
    """So many passes over the data that planning them alone would take longer than anybody waits."""


class BatchSchedule:
    """All batches of a run.

    Args:
        plan_epoch: epoch number -> its batches; deterministic.
        epochs: how many epochs, in part if not whole; ignored when `max_steps` is given.
        max_steps: how many steps, over as many epochs as they need.

    Raises:
        ValueError: an epoch holds no batch.
        EndlessError: `max_steps` is more than `MOST_EPOCHS` epochs.
    """

    def __init__(self, plan_epoch: EpochPlan, epochs: float, max_steps: int | None) -> None:
        self._plan: EpochPlan = lru_cache(maxsize=2)(lambda epoch: tuple(plan_epoch(epoch)))
        self._starts = [0]  # first step of each epoch, and one past the last
        self.total_steps = self._count_all(max_steps) if max_steps is not None else self._count(epochs)

    def _count_all(self, max_steps: int) -> int:
        while self._starts[-1] < max_steps:
            if max_steps > MOST_EPOCHS * self._add_epoch():
                raise EndlessError(f"{max_steps:,} steps are more than {MOST_EPOCHS:,} passes over the data")
        return max_steps

    def _count(self, epochs: float) -> int:
        whole = int(epochs)
        for _ in range(whole):
            self._add_epoch()
        total = self._starts[-1]
        if epochs > whole:
            total += max(1, round(self._add_epoch() * (epochs - whole)))
        return total

    def _add_epoch(self) -> int:
        length = len(self._plan(len(self._starts) - 1))
        if length == 0:
            raise ValueError("an epoch holds no batch")
        self._starts.append(self._starts[-1] + length)
        return length

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the first epoch; later ones may differ by the batches that duplicates cut short."""
        return self._starts[1]

    def at(self, step: int) -> Place:
        """The batch of the step that follows `step` finished steps, `0 <= step < total_steps`."""
        epoch = self._epoch_of(step)
        return Place(self.epochs_after(step + 1), self._plan(epoch)[step - self._starts[epoch]])

    def batches(self) -> Iterator[PlannedBatch]:
        """All batches of the run, in order; epochs are planned anew for it, one at a time."""
        for epoch, start in enumerate(self._starts[:-1]):
            yield from self._plan(epoch)[: self.total_steps - start]

    def epochs_after(self, steps: int) -> float:
        """How many epochs are done after so many steps."""
        if steps == 0:
            return 0.0
        epoch = self._epoch_of(steps - 1)
        return epoch + (steps - self._starts[epoch]) / (self._starts[epoch + 1] - self._starts[epoch])

    def _epoch_of(self, step: int) -> int:
        return next(epoch for epoch, end in enumerate(self._starts[1:]) if step < end)
