"""How long something has taken and will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]


class Pace:
    """Time left for the rest of `total` units, at the mean pace since the Pace was made, pauses included."""

    def __init__(self, total: int, done: int = 0, clock: Clock = time.monotonic) -> None:
        self.total = total
        self._done_before = done
        self._clock = clock
        self._began = clock()

    def elapsed(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._began

    def remaining(self, done: int) -> float | None:
        """Seconds until `total`, when `done` units are; None before the first."""
        since = done - self._done_before
        return None if since <= 0 else max(0, self.total - done) * self.elapsed() / since


def duration(seconds: float | None) -> str:
    """`45s`, `1m12s`, `2h03m`, `3d04h`; `?` for None."""
    if seconds is None:
        return "?"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // part:02d}{smaller}"
    return f"{whole}s"
