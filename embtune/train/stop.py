"""Signals: finish the step, save, and say so in the exit code."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from embtune.errors import Stopped


class StopRequest:
    """Whether SIGTERM or SIGINT has asked the run to end.

    Until `at_step_ends` is set there is nothing to save, and the first signal ends the run where it stands. After that
    the first one is noted and a second one ends the run where it stands.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.at_step_ends = False

    def receive(self, signum: int, frame: FrameType | None) -> None:
        """The signal handler."""
        again = self.signum is not None
        self.signum = signum
        if again or not self.at_step_ends:
            raise Stopped(signum, "stopped by a signal before anything new was saved")


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Inside, SIGTERM and SIGINT go to the request; outside, to whoever had them before."""
    request = StopRequest()
    before = {signum: signal.signal(signum, request.receive) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
