"""Signals: finish the step, save, and say so in the exit code."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from embtune.errors import Stopped
from embtune.train.processes import Processes

_AS_ONE = 1.0  # seconds: a terminal tells all processes and their launcher, which tells the processes once more


class StopRequest:
    """Whether SIGTERM or SIGINT has asked the run to end.

    Until `at_step_ends` is set there is nothing to save, and the first signal ends the run where it stands. After that
    the first one is noted, for the run to save and end in order, and another, a second later or more, ends it where it
    stands.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.at_step_ends = False
        self._received = 0.0

    def receive(self, signum: int, frame: FrameType | None) -> None:
        """The signal handler."""
        again = self.signum is not None and time.monotonic() - self._received >= _AS_ONE
        if self.signum is None:
            self.signum, self._received = signum, time.monotonic()
        if again or not self.at_step_ends:
            raise _Now

    def check(self, processes: Processes) -> None:
        """Called where everything is in order, by all processes at the same place.

        Raises:
            Stopped: a signal was noted by any of them, and all stop.
        """
        (signum,) = processes.highest([self.signum or 0])
        if signum:
            raise Stopped(signum, "stopped by a signal")


class _Now(BaseException):
    """Ends the run at whatever it is doing.

    No Exception, so that nothing on the way up takes it for a failure. Nobody saves on it: it may come between the
    optimiser's step and the counter of steps.
    """


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Inside, SIGTERM and SIGINT go to the request; outside, to whoever had them before.

    Raises:
        Stopped: a signal ended the block where it stood.
    """
    request = StopRequest()
    before = {signum: signal.signal(signum, request.receive) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    except _Now:
        assert request.signum is not None
        raise Stopped(request.signum, "stopped at once; what was saved before is whole") from None
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
