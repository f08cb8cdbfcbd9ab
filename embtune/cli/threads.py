"""How the threads that compute wait for each other, which has to be said before torch is imported."""

from __future__ import annotations

from collections.abc import MutableMapping

WAITING = "OMP_WAIT_POLICY"
_CHOICES = frozenset({WAITING, "GOMP_SPINCOUNT", "KMP_BLOCKTIME"})


def wait_asleep(environ: MutableMapping[str, str]) -> None:
    """Let OpenMP's threads sleep until there is work; what a user has said about it, or of their number, stays.

    By default they wait spinning. Where another program has one of the cores, the thread on that core is waited for by
    threads that keep it from running: tiny steps took four to six times as long. How threads wait changes no result,
    which their number would, so the number is not a matter of the load.

    Args:
        environ: the environment of this process; torch reads it as it is imported.
    """
    if _CHOICES.isdisjoint(environ):
        environ[WAITING] = "PASSIVE"
