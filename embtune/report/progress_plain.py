"""Progress for a file, a pipe, and `train.log`: plain lines, each readable alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from embtune.report.events import CheckpointEvent, EvalEvent, StepEvent, WarningEvent
from embtune.report.facts import Fact, aligned
from embtune.report.gains import Gain, gain_table
from embtune.report.pace import Clock, Pace, duration
from embtune.report.progress import Advance, Progress

WriteLine = Callable[[str], None]

_SECONDS_BETWEEN = 30.0  # a long stage shows that it lives


def line_writer(stream: TextIO) -> WriteLine:
    """Lines to `stream`, each flushed."""

    def write(line: str) -> None:
        print(line, file=stream, flush=True)

    return write


def discard(line: str) -> None:
    """Writes nothing."""


class PlainProgress(Progress):
    """One line for each thing that happened; steps only where a line is asked for.

    Args:
        write: takes each line.
        warn: takes the warnings; None is `write` as well.
        clock: seconds, rising.
    """

    def __init__(self, write: WriteLine, warn: WriteLine | None = None, clock: Clock = time.monotonic) -> None:
        self._write = write
        self._warn = warn or write
        self._clock = clock
        self._pace = Pace(0, clock=clock)

    def plan(self, facts: Sequence[Fact]) -> None:
        """A heading and an indented line a fact."""
        self._write("plan")
        for line in aligned(facts):
            self._write(f"  {line}")

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """A line at the end, and now and then in a long one."""
        pace, done, told = Pace(total or 0, clock=self._clock), 0, 0.0

        def advance(more: int) -> None:
            nonlocal done, told
            done += more
            if pace.elapsed() - told >= _SECONDS_BETWEEN:
                told = pace.elapsed()
                left = f"  eta {duration(pace.remaining(done))}" if total else ""
                self._write(f"{name}  {_of(done, total)}{left}")

        yield advance
        self._write("  ".join((name, *([f"{done:,}"] if done else []), duration(pace.elapsed()))))

    @contextmanager
    def training(self, total_steps: int, first_step: int = 0) -> Iterator[None]:
        """Remembers when it began, for the time left."""
        self._pace = Pace(total_steps, first_step, self._clock)
        yield

    def step(self, event: StepEvent, logged: bool) -> None:
        """A line where one is asked for."""
        if logged:
            self._write(step_line(event, self._pace.total, self._pace.remaining(event.step)))

    def evaluation(self, event: EvalEvent, headline: Sequence[str]) -> None:
        """One line with the headline metrics."""
        self._write(evaluation_line(event, headline, self._pace.total))

    def checkpoint(self, event: CheckpointEvent) -> None:
        """One line."""
        self._write(f"saved {event.path}")

    def warning(self, event: WarningEvent) -> None:
        """One line, marked."""
        self._warn(f"warning: {event.message}")

    def note(self, text: str) -> None:
        """One line."""
        self._write(text)

    def gains(self, rows: Sequence[Gain]) -> None:
        """The table, indented."""
        for line in gain_table(rows) if rows else ():
            self._write(f"  {line}")


def step_line(event: StepEvent, total: int, eta: float | None) -> str:
    """`step  40/120  epoch 0.67  loss 0.8123  lr 4.2e-05  grad 1.31  3,912 tok/s  eta 1m12s`."""
    return "  ".join(
        (
            _step(event.step, total),
            f"epoch {event.epoch:.2f}",
            f"loss {event.loss:.4f}",
            f"lr {event.learning_rate:.1e}",
            f"grad {event.grad_norm:.2f}",
            f"{event.tokens_per_second:,.0f} tok/s",
            f"eta {duration(eta)}",
        )
    )


def evaluation_line(event: EvalEvent, headline: Sequence[str], total: int) -> str:
    """`step  40/120  evaluation  dev/ndcg@10 0.8123  3.1s`."""
    shown = [f"{name} {event.metrics[name]:.4f}" for name in headline if name in event.metrics]
    return "  ".join((_step(event.step, total), "evaluation", *shown, duration(event.seconds)))


def _step(step: int, total: int) -> str:
    return f"step {step:>{len(str(total))}}/{total}" if total else f"step {step}"


def _of(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,}/{total:,}"
