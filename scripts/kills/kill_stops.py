"""The ways in which a run is stopped: real signals, a real full disk, memory that is really refused."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from kill_command import ENDED, Command
from kill_directory import Directory
from kill_disk import Disk

_MOMENT = 0.05  # seconds, about as long as a step takes
_WRITING = 0.01  # seconds; writing a checkpoint takes a few times as long
_NEXT = 900.0  # seconds in which a run comes to its next checkpoint, on a machine that does other things too
_FIRST_SECONDS = 8.0  # in which a command reads, builds, and begins
_KEPT_FREE = 300_000  # bytes, less than a checkpoint takes
KILLED = -int(signal.SIGKILL)


@dataclass(frozen=True)
class Stopping:
    """What a stop works with. step: after which it is due."""

    command: Command
    run: Directory
    disk: Disk
    random: Random
    step: int

    def at_step(self) -> bool:
        """Wait until the step is logged. False: the command ended before."""
        return self.command.wait_for(lambda: self.run.logged_step >= self.step)

    def a_while(self, seconds: float) -> None:
        """Sleep for a random part of it."""
        time.sleep(self.random.uniform(0, seconds))


@dataclass(frozen=True)
class Stop:
    """A way to stop a run.

    act: does it, and tells to whom; "" where the run ended before. codes: with which the command may end then, alone
    or with several processes. says: what has to be on stderr, if anything. saves: the last step is saved.
    damages: the newest checkpoint is broken then, and the one before has to do. early: perhaps before a word is said.
    seconds: until it has ended; longer than a minute where it ends by what it tries next.
    """

    name: str
    act: Callable[[Stopping], str]
    codes: frozenset[int]
    says: str = ""
    saves: bool = False
    damages: bool = False
    early: bool = False
    seconds: float = ENDED


def kill(stopping: Stopping) -> str:
    """SIGKILL at a random moment of a step: to a process that trains, to their launcher, or to all at once."""
    return _at_step(stopping, signal.SIGKILL)


def tell(stopping: Stopping, signum: signal.Signals) -> str:
    """A signal that asks: to one process, to the launcher, or to all at once, as a terminal does."""
    return _at_step(stopping, signum)


def kill_while_writing(stopping: Stopping) -> str:
    """SIGKILL to everything, as when the power fails, while a checkpoint is half written.

    Everything is held still at a random moment first, and let go on where the checkpoint was whole by then.
    """
    run, command = stopping.run, stopping.command
    if not stopping.at_step():
        return ""
    while command.wait_for(lambda: run.is_writing_checkpoint):
        stopping.a_while(_WRITING)
        command.everywhere(signal.SIGSTOP)
        time.sleep(_WRITING)
        if run.is_writing_checkpoint:
            command.everywhere(signal.SIGKILL)
            return "everything"
        command.everywhere(signal.SIGCONT)
    return ""


def kill_early(stopping: Stopping) -> str:
    """SIGKILL to everything at a random moment of the first seconds."""
    stopping.a_while(_FIRST_SECONDS)
    stopping.command.everywhere(signal.SIGKILL)
    return "everything"


def fill_disk(stopping: Stopping) -> str:
    """No room for one more checkpoint, or for a part of one only."""
    if not stopping.at_step():
        return ""
    spare = stopping.random.randrange(_KEPT_FREE)
    stopping.disk.fill(stopping.command, spare)
    return f"{spare:,} bytes left"


def take_memory(stopping: Stopping) -> str:
    """No more memory from the system for one of the processes."""
    if not stopping.at_step():
        return ""
    rank = stopping.random.randrange(stopping.command.nproc)
    process = stopping.command.rank(rank)
    _, hard = resource.prlimit(process, resource.RLIMIT_AS)
    resource.prlimit(process, resource.RLIMIT_AS, (_taken(process), hard))
    return f"process {rank}"


def _at_step(stopping: Stopping, signum: signal.Signals) -> str:
    if not stopping.at_step():
        return ""
    command, names = stopping.command, ["the command"]
    if command.nproc > 1:
        names += ["everything", *(f"process {rank}" for rank in range(command.nproc))]
    victim = stopping.random.choice(names)
    process = command.rank(int(victim[-1])) if victim[-1].isdigit() else command.pid
    stopping.a_while(_MOMENT)
    if victim == "everything":
        command.everywhere(signum)
    else:
        os.kill(process, signum)
    return victim


def _taken(process: int) -> int:
    """Bytes of the process's address space."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


STOPS = (
    Stop("SIGKILL at a step", kill, frozenset({KILLED, 1})),
    Stop("SIGKILL in a checkpoint", kill_while_writing, frozenset({KILLED})),
    Stop("SIGTERM", partial(tell, signum=signal.SIGTERM), frozenset({143}), "is saved; the same command", saves=True),
    Stop("SIGINT", partial(tell, signum=signal.SIGINT), frozenset({130}), "is saved; the same command", saves=True),
    Stop("disk full", fill_disk, frozenset({1}), "error[cannot-write]", seconds=_NEXT),
    Stop("SIGKILL at the start", kill_early, frozenset({KILLED}), early=True),
    Stop("out of memory", take_memory, frozenset({1, -int(signal.SIGABRT)}), seconds=_NEXT),
    Stop("checkpoint damaged", kill, frozenset({KILLED, 1}), damages=True),
)
