"""Progress for a program: one JSON object a line, the events of `metrics.jsonl` and five kinds more.

`plan` (the facts by key), `training` (step, total), `stage` (name, done, total, seconds), `note` (message),
`gains` (metrics).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from embtune.report.events import CheckpointEvent, EvalEvent, Event, StepEvent, WarningEvent, as_json, json_value
from embtune.report.facts import Fact, as_mapping
from embtune.report.gains import Gain
from embtune.report.pace import Clock, Pace
from embtune.report.progress import Advance, Progress

_SECONDS_BETWEEN = 1.0


class JsonProgress(Progress):
    """One object a line, each flushed."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock

    def plan(self, facts: Sequence[Fact]) -> None:
        """One object."""
        self._tell("plan", plan=as_mapping(facts))

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """An object at the beginning, at most one a second, and one at the end."""
        pace, done, told = Pace(total or 0, clock=self._clock), 0, 0.0

        def tell() -> None:
            self._tell("stage", name=name, done=done, total=total, seconds=round(pace.elapsed(), 3))

        def advance(more: int) -> None:
            nonlocal done, told
            done += more
            if pace.elapsed() - told >= _SECONDS_BETWEEN:
                told = pace.elapsed()
                tell()

        tell()
        yield advance
        tell()

    @contextmanager
    def training(self, total_steps: int, first_step: int = 0) -> Iterator[None]:
        """One object: how many steps there will be."""
        self._tell("training", step=first_step, total=total_steps)
        yield

    def step(self, event: StepEvent, logged: bool) -> None:
        """The event, where a line is asked for."""
        if logged:
            self._event(event)

    def evaluation(self, event: EvalEvent, headline: Sequence[str]) -> None:
        """The event, with all metrics."""
        self._event(event)

    def checkpoint(self, event: CheckpointEvent) -> None:
        """The event."""
        self._event(event)

    def warning(self, event: WarningEvent) -> None:
        """The event."""
        self._event(event)

    def note(self, text: str) -> None:
        """One object."""
        self._tell("note", message=text)

    def gains(self, rows: Sequence[Gain]) -> None:
        """One object with before, after and gain by metric."""
        metrics = {row.metric: {"before": row.before, "after": row.after, "gain": row.gain} for row in rows}
        self._tell("gains", metrics=metrics)

    def _tell(self, event: str, **values: object) -> None:
        self._line({"event": event, **values})

    def _event(self, event: Event) -> None:
        self._line(as_json(event))

    def _line(self, content: dict[str, object]) -> None:
        print(json.dumps(json_value(content), ensure_ascii=False, allow_nan=False), file=self._stream, flush=True)
