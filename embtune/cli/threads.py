"""How many threads compute, and how they wait for each other, which has to be said before torch is imported."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path

WAITING, NUMBER = "OMP_WAIT_POLICY", "OMP_NUM_THREADS"
_CHOICES = frozenset({WAITING, "GOMP_SPINCOUNT", "KMP_BLOCKTIME"})


def wait_asleep(environ: MutableMapping[str, str]) -> None:
    """Let OpenMP's threads sleep until there is work; what a user has said about it, or of their number, stays.

    By default they wait spinning. Where another program has one of the cores, the thread on that core is waited for by
    threads that keep it from running: tiny steps took four to six times as long. How threads wait changes no result,
    which their number would, so the number is not a matter of the load (see `stay_within_quota`).

    Args:
        environ: the environment of this process; torch reads it as it is imported.
    """
    if _CHOICES.isdisjoint(environ):
        environ[WAITING] = "PASSIVE"


def stay_within_quota(environ: MutableMapping[str, str], root: Path = Path("/")) -> None:
    """Let no more threads compute than a container may use; what a user has said about their number stays.

    OpenMP counts the cores that a process may run on, and knows nothing of a quota of their time, such as containers
    have: 64 threads that share two cores' time are stopped and started by turns. Where there is no quota below the
    number of cores nothing is said.

    Args:
        environ: the environment of this process; torch reads it as it is imported.
        root: of the file system.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = min(_quotas(root), default=math.inf)
    if NUMBER not in environ and quota < cores:
        environ[NUMBER] = str(max(1, int(quota)))


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time that each control group around this process grants it, of both versions of Linux'."""
    for line in _words(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        for group in (Path(path), *Path(path).parents):
            if not controllers:
                yield from _quota(*_words(root / "sys/fs/cgroup" / str(group).lstrip("/") / "cpu.max"))
            elif "cpu" in controllers.split(","):
                folder = root / "sys/fs/cgroup" / controllers / str(group).lstrip("/")
                yield from _quota(*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us"))


def _quota(*said: str) -> Iterator[float]:
    """Microseconds in a period: "200000 100000" on one line, or the two numbers apart; "max" and -1 are no limit."""
    numbers = " ".join(said).split()
    if len(numbers) == 2 and all(number.isdigit() for number in numbers) and int(numbers[1]):
        yield int(numbers[0]) / int(numbers[1])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()
    except OSError:
        return []
