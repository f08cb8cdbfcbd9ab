"""A run as the processes see it that are not its first: they train with it and leave everything else to it.

The first process reads, checks, claims the directory and fills the caches; then the others begin. From there on all do
the same steps and evaluations, and agree on when to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from embtune.errors import CommonRunError, RunError, Stopped
from embtune.pipeline.best import BestWeights
from embtune.pipeline.job import Job
from embtune.pipeline.keeping import Keeper, Nowhere, Parts
from embtune.pipeline.resume import starting_state
from embtune.pipeline.session import Session
from embtune.report.progress import Several
from embtune.report.run_directory import RunDirectory
from embtune.train.checkpoint import Checkpoints
from embtune.train.processes import Processes
from embtune.train.stop import StopRequest

T = TypeVar("T")


@contextmanager
def leading(processes: Processes) -> Iterator[Callable[[], None]]:
    """For the first process: gives what lets the others begin. They go home where it was not called in the block."""
    begun = False

    def begin() -> None:
        nonlocal begun
        begun = True
        processes.told(True)

    try:
        yield begin
    finally:
        if not begun:
            with suppress(RunError):  # they are gone already
                processes.told(False)


def made_by_all(make: Callable[[], T], processes: Processes) -> T | None:
    """What every process makes for itself, the first before the others, so that it alone says what is wrong.

    Returns:
        None in the others, where the first could not make it.
    """
    if not processes.world.is_first:
        return make() if processes.told(True) else None
    with leading(processes) as begin:
        made = make()
        begin()
    return made


def follow(prepare_job: Callable[[], Job], directory: RunDirectory, stop: StopRequest, processes: Processes) -> None:
    """For every other process: the run from when the first lets it begin to the last step, or to where all stop.

    Raises:
        EmbtuneError: what only this process has found; what all find, and a stop, the first one tells.
    """
    if not processes.told(True):
        return
    job = prepare_job()
    checkpoints = Checkpoints(directory.checkpoints, keep=None)
    start = starting_state(job, checkpoints)
    keeper: Keeper = Nowhere()
    if job.training.shards is not None:
        keeper = Parts(checkpoints, BestWeights(directory.best))
    stop.at_step_ends = True
    with suppress(Stopped, CommonRunError):
        Session(job, directory, start.state, keeper, Several(), stop).run()
