"""The learning-rate schedule, as a function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class ScheduleKind(Enum):
    """What the rate does after warm-up."""

    LINEAR = "linear"  # falls to 0 at the last step
    COSINE = "cosine"  # falls to 0 at the last step along half a cosine
    CONSTANT = "constant"


@dataclass(frozen=True)
class LearningRate:
    """Warm-up from 0 to `peak` over `warmup_steps`, then `kind` down to `total_steps`.

    The same values as the Hugging Face schedules: step 0 has rate 0 when there is a warm-up.
    """

    kind: ScheduleKind
    peak: float
    warmup_steps: int
    total_steps: int

    def at(self, step: int) -> float:
        """The rate of the step that follows `step` finished steps."""
        if step < self.warmup_steps:
            return self.peak * step / self.warmup_steps
        if self.kind is ScheduleKind.CONSTANT:
            return self.peak
        done = (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
        if self.kind is ScheduleKind.LINEAR:
            return self.peak * max(0.0, 1.0 - done)
        return self.peak * max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))


def warmup_steps(total_steps: int, ratio: float) -> int:
    """The steps that a share of the training comes to, rounded up as Hugging Face rounds it."""
    return math.ceil(total_steps * ratio)
