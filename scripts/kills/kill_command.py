"""`embtune train` as a process that is going on, and whatever may be done to it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from command import REPOSITORY
from process_command import ARGUMENTS, pid_of

_COMES = 600.0  # seconds in which whatever is waited for comes about, on a machine that does other things too
_POLLED = 0.004
ENDED = 60.0  # seconds after which nothing of a command that was stopped is there any more


class Command(ABC):
    """One start of the command, as the head of a session of its own.

    pid: of the process that trains, or of the launcher of those that do. nproc: how many train.
    """

    pid: int
    nproc: int

    @abstractmethod
    def is_running(self) -> bool:
        """Whether it has not ended."""

    @abstractmethod
    def rank(self, number: int) -> int:
        """The process id of one that trains."""

    @abstractmethod
    def ended(self, seconds: float = ENDED) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr, once none of the command's processes holds them open; code None: never."""

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Return as soon as the condition holds. False: the command ended before."""
        limit = time.monotonic() + _COMES
        while not condition():
            if not self.is_running():
                return False
            assert time.monotonic() < limit, "it takes too long"
            time.sleep(_POLLED)
        return True

    def everywhere(self, signum: signal.Signals) -> None:
        """The signal to the command and to all processes that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signum)


class Started(Command):
    """Started as users do, by `python -m embtune train`."""

    def __init__(self, config: Path, nproc: int, environ: Mapping[str, str]) -> None:
        several = ["--nproc", str(nproc)] if nproc > 1 else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "embtune", "train", str(config), *ARGUMENTS, *several],
            cwd=REPOSITORY,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid, self.nproc = self._process.pid, nproc

    def is_running(self) -> bool:
        """By the system."""
        return self._process.poll() is None

    def rank(self, number: int) -> int:
        """By the environment that torchrun's launcher gave it."""
        return self.pid if self.nproc == 1 else pid_of(number, self._process)

    def ended(self, seconds: float = ENDED) -> tuple[int | None, str, str]:
        """Read to the end; whatever is there after so many seconds is killed."""
        try:
            stdout, stderr = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.everywhere(signal.SIGKILL)
            return None, *self._process.communicate()
        return self._process.returncode, stdout, stderr
