"""Finding the settings under which Sentence Transformers does a workload fastest, on a short prefix of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from task import Settings

SIZES, WORKERS, PRECISIONS = (16, 32, 64, 128, 256), (0, 2), (None, "fp32")


@dataclass(frozen=True)
class Swept:
    """Each setting tried with its seconds of training, and the best of them."""

    tried: tuple[tuple[Settings, float], ...]

    @property
    def best(self) -> Settings:
        """The fastest."""
        return min(self.tried, key=lambda one: one[1])[0]

    def as_list(self) -> list[dict[str, Any]]:
        """For JSON."""
        return [{**asdict(settings), "seconds": seconds} for settings, seconds in self.tried]

    @classmethod
    def of_list(cls, found: Sequence[dict[str, Any]]) -> Swept:
        """From what `as_list` gave."""
        return cls(
            tuple((Settings(**{k: v for k, v in one.items() if k != "seconds"}), one["seconds"]) for one in found)
        )


def sweep(measure: Callable[[Sequence[Settings]], Sequence[float]], cached: bool, precision: str) -> Swept:
    """One kind of setting after another, each with the best of those before.

    The first of a call pays for what a process does once, so it is measured twice and the first time thrown away.

    Args:
        measure: settings -> seconds under each.
        cached: whether mini-batches are theirs to choose.
        precision: of the comparison. What is slower in bf16 than in fp32 on this machine is measured in fp32.
    """
    start = [Settings(mini_batch_size=size) for size in SIZES] if cached else [Settings()]
    tried = _tried(measure, start)
    tried += _tried(measure, [replace(Swept(tuple(tried)).best, workers=count) for count in WORKERS[1:]])
    if precision == "bf16":
        tried += _tried(measure, [replace(Swept(tuple(tried)).best, precision=other) for other in PRECISIONS[1:]])
    return Swept(tuple(tried))


def _tried(
    measure: Callable[[Sequence[Settings]], Sequence[float]], settings: list[Settings]
) -> list[tuple[Settings, float]]:
    seconds = measure([settings[0], *settings])
    return list(zip(settings, seconds[1:], strict=True))
