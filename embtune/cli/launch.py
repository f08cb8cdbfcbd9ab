"""`embtune train --nproc N`: the same command line in N processes, started and watched by torchrun's own launcher.

With `--max-restarts K` all are started again after one has died, and go on from the last checkpoint. torch elastic
would do so by itself, but after whatever failure, a mistake in the data too, and without a word; so it is asked for one
start at a time.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from uuid import uuid4

from embtune.cli.imports import importing
from embtune.cli.output import say
from embtune.cli.process_ends import Ended, exit_code_of, may_pass, reason
from embtune.cli.threads import NUMBER
from embtune.errors import Location, Problem, Stopped, UsageError
from embtune.world import RESTARTS, World

_LAUNCHER = "EMBTUNE_LAUNCHER"  # its process id, in the environment of those it starts
_WATCHED = 1.0  # seconds between two looks at whether it is there
_PATIENCE = ("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "50")  # seconds for a checkpoint; a command is to end within 60


@dataclass(frozen=True)
class Launch:
    """What the command line says of processes. nproc: on this machine; restarts: at most."""

    nproc: int | None = None
    restarts: int = 0

    def check(self, world: World, config: str) -> None:
        """Hold it against the processes that there are already.

        Raises:
            UsageError: they are others than asked for, or not ours to start again; or the config can be read once.
        """
        if self.nproc is not None and not world.is_alone and self.nproc != world.local_size:
            started = f"another launcher has started {world.local_size} processes on this machine"
            hint = "Leave --nproc out: the launcher says it."
            raise _usage_error("other-launcher", f"--nproc {self.nproc}, but {started}", hint)
        if self.restarts and not world.is_alone and not world.by_embtune:
            hint = "Leave --max-restarts out: torchrun has one of its own, and the run goes on by itself."
            raise _usage_error("other-launcher", "--max-restarts, but another launcher has started the processes", hint)
        if self.is_due(world) and config == "-":
            message = "processes need the config as a file: standard input can be read once"
            raise _usage_error("config-read-once", message, "Write the config to a file and name it.")

    def is_due(self, world: World) -> bool:
        """Whether this process is to start others, and not to do the work itself."""
        return (self.nproc or 1) > world.size or (self.restarts > 0 and world.is_alone and not world.by_embtune)

    def run(self, environ: MutableMapping[str, str]) -> int:
        """Run this process's own command line in the processes, and give the exit code that stands for all of them.

        One that dies ends the others. Several share the threads, unless the user has said how many each has.

        Args:
            environ: of this process, and of those it starts.
        """
        nproc = self.nproc or 1
        if nproc > 1:
            environ.setdefault(NUMBER, str(max(1, (os.cpu_count() or 1) // nproc)))
        environ.setdefault(*_PATIENCE)
        environ[_LAUNCHER] = str(os.getpid())
        restart = 0
        while True:
            environ[RESTARTS] = str(restart)
            ended = _ended(nproc)
            if isinstance(ended, int):
                return ended
            if restart == self.restarts or not may_pass(ended):
                return exit_code_of(ended, restart)
            restart += 1
            again = f"all are started again and go on from the last checkpoint (restart {restart} of {self.restarts})"
            say(Problem("restarting", f"{reason(ended)}; {again}").render("warning"))


def _usage_error(code: str, message: str, hint: str) -> UsageError:
    return UsageError(Problem(code, message, Location("<command line>"), hint))


def _ended(nproc: int) -> int | dict[int, Ended]:
    """One start: the exit code where all went well or a signal told the launcher to stop, else who failed, by rank."""
    with importing():
        from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # what it logs is for those who look for faults in it; what the processes say reaches the user by itself
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL + 1)
    settings = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=nproc,
        logs_specs=DefaultLogsSpecs(),
        run_id=str(uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
    )
    try:
        elastic_launch(settings, sys.executable)("-m", "embtune", *sys.argv[1:])
    except SignalException as stopped:
        return 128 + int(stopped.sigval)
    except ChildFailedError as failed:
        return {rank: Ended(each.exitcode, _fault(each.message)) for rank, each in failed.failures.items()}
    return 0


def _fault(message: object) -> str | None:
    """What the process wrote for its launcher; of one that wrote nothing torch makes up a text, which is no mapping."""
    return str(message.get("message")) if isinstance(message, dict) else None


def end_with_launcher(environ: Mapping[str, str]) -> None:
    """Tell this process by SIGTERM, on which it saves and ends, when the launcher that started it is gone.

    A launcher that was killed stops nobody, and its processes would keep the run's directory for as long as they train.
    """
    launcher = environ.get(_LAUNCHER)
    if launcher is not None:
        Thread(target=_outlive, args=(int(launcher),), daemon=True).start()


def _outlive(launcher: int) -> None:
    # Linux's own signal at a parent's death comes once for each of its threads, and a second SIGTERM ends at once
    while os.getppid() == launcher:
        time.sleep(_WATCHED)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def following_quietly(world: World) -> Iterator[None]:
    """A process that is not the first says nothing of a signal that reached all of them; its exit code does."""
    try:
        yield
    except Stopped as stopped:
        if world.is_first:
            raise
        raise SystemExit(128 + stopped.signum) from None
