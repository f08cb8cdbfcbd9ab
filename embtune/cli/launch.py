"""`embtune train --nproc N`: the same command line in N processes, started and watched by torchrun's own launcher."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from threading import Thread
from uuid import uuid4

from embtune.cli.imports import importing
from embtune.cli.output import FAILED, say
from embtune.cli.threads import NUMBER
from embtune.errors import Location, Problem, Stopped, UsageError
from embtune.world import World

_ORDERED = (signal.SIGINT, signal.SIGTERM)
_LAUNCHER = "EMBTUNE_LAUNCHER"  # its process id, in the environment of those it starts
_WATCHED = 1.0  # seconds between two looks at whether it is there
_PATIENCE = ("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "50")  # seconds for a checkpoint; a command is to end within 60


def check_nproc(nproc: int | None, world: World, config: str) -> None:
    """Hold `--nproc` against the processes that there are already.

    Raises:
        UsageError: they are others than asked for; or the config can be read once.
    """
    where = Location("<command line>")
    if nproc is not None and not world.is_alone and nproc != world.local_size:
        message = f"--nproc {nproc}, but another launcher has started {world.local_size} processes on this machine"
        raise UsageError(Problem("other-launcher", message, where, "Leave --nproc out: the launcher says it."))
    if nproc is not None and nproc > 1 and config == "-":
        message = "--nproc needs the config as a file: standard input can be read once"
        raise UsageError(Problem("config-read-once", message, where, "Write the config to a file and name it."))


def launch(nproc: int, environ: MutableMapping[str, str]) -> int:
    """Run this process's own command line in `nproc` processes, and give the exit code that stands for all of them.

    One that dies ends the others. The number of threads is divided, unless the user has said it.

    Args:
        environ: of this process, and of those it starts.
    """
    with importing():
        from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # what it logs is for those who look for faults in it; what the processes say reaches the user by itself
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL + 1)
    environ.setdefault(NUMBER, str(max(1, (os.cpu_count() or 1) // nproc)))
    environ.setdefault(*_PATIENCE)
    environ[_LAUNCHER] = str(os.getpid())
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
        return exit_code_of({rank: failure.exitcode for rank, failure in failed.failures.items()})
    return 0


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


def exit_code_of(codes: Mapping[int, int]) -> int:
    """The exit code that stands for all processes, told of where a signal from outside ended one of them.

    Whoever is stopped because another process failed ends by SIGTERM, or with 1 where it noticed first.

    Args:
        codes: by rank, of those that failed; negative is the signal that ended it.
    """
    killed = {rank: -code for rank, code in codes.items() if code < 0 and -code not in _ORDERED}
    for rank, signum in killed.items():
        name = signal.Signals(signum).name
        hint = "The same command goes on from the last checkpoint."
        say(Problem("process-died", f"process {rank} was ended by {name}; the others were stopped", hint=hint).render())
    if killed:
        return FAILED
    own = [code for code in codes.values() if code > 0]
    return max(own) if own else 128 - min(codes.values())


@contextmanager
def following_quietly(world: World) -> Iterator[None]:
    """A process that is not the first says nothing of a signal that reached all of them; its exit code does."""
    try:
        yield
    except Stopped as stopped:
        if world.is_first:
            raise
        raise SystemExit(128 + stopped.signum) from None
