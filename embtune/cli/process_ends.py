"""How the processes of a command ended: one exit code for all, and whether another start may come to a better end."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from embtune.cli.output import FAILED, say
from embtune.errors import Problem

_ORDERED = (signal.SIGINT, signal.SIGTERM)
_GOES_ON = "The same command goes on from the last checkpoint."


@dataclass(frozen=True)
class Ended:
    """How a process ended that failed.

    code: its exit code; negative is the signal that ended it.
    fault: what it left behind of a fault that may pass (`embtune.cli.fault_note`).
    """

    code: int
    fault: str | None = None

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it that nobody sends to end a run in order."""
        return self.code < 0 and -self.code not in _ORDERED

    @property
    def may_pass(self) -> bool:
        """Whether it need not end so again."""
        return self.was_killed or self.fault is not None


def may_pass(ended: Mapping[int, Ended]) -> bool:
    """Whether another start may come to a better end: some process was killed, or all failed of what may pass.

    Those that were not killed beside one that was have failed for want of it, or were told to end.
    """
    failed = [each for each in ended.values() if each.code != -signal.SIGTERM]
    return any(each.was_killed for each in failed) or (bool(failed) and all(each.may_pass for each in failed))


def reason(ended: Mapping[int, Ended]) -> str:
    """Why they ended, in words: who was killed, else what they left behind."""
    killed = [
        f"process {rank} was ended by {signal.Signals(-each.code).name}"
        for rank, each in ended.items()
        if each.was_killed
    ]
    return ", ".join(killed or [f"process {rank} failed ({each.fault})" for rank, each in ended.items() if each.fault])


def exit_code_of(ended: Mapping[int, Ended], restarts: int = 0) -> int:
    """The exit code that stands for all processes, told of where a signal from outside ended one of them.

    Whoever is stopped because another process failed ends by SIGTERM, or with 1 where it noticed first.

    Args:
        ended: by rank, of those that failed.
        restarts: how often all had been started again before.
    """
    after = f" after {restarts} restarts" if restarts > 1 else " after a restart" if restarts else ""
    killed = any(each.was_killed for each in ended.values())
    if killed or (restarts and may_pass(ended)):
        say(Problem("process-died", f"{reason(ended)}{after}; the others were stopped", hint=_GOES_ON).render())
    if killed:
        return FAILED
    own = [each.code for each in ended.values() if each.code > 0]
    return max(own) if own else 128 - min(each.code for each in ended.values())
