"""The learning-rate schedule, as a function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from dataclasses import dataclass

from embtune.config.words import SchedulerType


@dataclass(frozen=True)
class LearningRate:
    """Warm-up from 0 to `peak` over `warmup_steps`, then by `kind`: LINEAR and COSINE fall to 0 at `total_steps`.

    The same values as the Hugging Face schedules: step 0 has rate 0 when there is a warm-up.
    """

    kind: SchedulerType
    peak: float
    warmup_steps: int
    total_steps: int

    def at(self, step: int) -> float:
        """The rate of the step that follows `step` finished steps."""
        if step < self.warmup_steps:
            return self.peak * step / self.warmup_steps
        if self.kind is SchedulerType.CONSTANT:
            return self.peak
        done = (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
        if self.kind is SchedulerType.LINEAR:
            return self.peak * max(0.0, 1.0 - done)
        return self.peak * max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))


def warmup_steps(total_steps: int, ratio: float) -> int:
    """The steps that a share of the training comes to, rounded up as Hugging Face rounds it."""
    return math.ceil(total_steps * ratio)
