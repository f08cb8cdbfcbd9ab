"""`metrics.jsonl`: one event a line, appended as it happens."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from embtune.files import appending, write_beside, writing
from embtune.report.events import CheckpointEvent, EndEvent, EvalEvent, Event, as_json


class MetricsLog:
    """The open log. Each line reaches the operating system at once, and the disk whenever a checkpoint does.

    Open it with `MetricsLog.opened`.
    """

    def __init__(self, path: Path, stream: TextIO, hide: Callable[[str], str] = str) -> None:
        self.path = path
        self._stream = stream
        self._hide = hide

    @classmethod
    @contextmanager
    def opened(cls, path: Path, hide: Callable[[str], str] = str) -> Iterator[Self]:
        """Append to the log at `path`, creating it where there is none.

        Args:
            hide: takes out of each line what no file is to hold.

        Raises:
            RunError: it cannot be written.
        """
        with appending(path) as stream:
            yield cls(path, stream, hide)

    def write(self, event: Event) -> None:
        """Append one line.

        Raises:
            RunError: it cannot be written.
        """
        line = json.dumps(as_json(event), ensure_ascii=False, allow_nan=False)
        with writing(self.path):
            self._stream.write(self._hide(line) + "\n")
            self._stream.flush()
            if isinstance(event, CheckpointEvent | EndEvent):
                os.fsync(self._stream.fileno())


def cut_back(path: Path, step: int, evaluated: int) -> None:
    """Forget what a resumed run will do again: all events after `step`, and every `end`, for the run goes on.

    A last line that was only half written is dropped too. Use step -1 to forget everything. Do it before the log is
    opened.

    Args:
        evaluated: the last step whose evaluation the run knows of. A signal may have saved `step` before that of its
            own, which the next session then made and lost again.

    Raises:
        RunError: it cannot be written; the log is as it was.
    """
    if not path.exists():
        return
    last = {EvalEvent.kind: min(step, evaluated), EndEvent.kind: -1}
    kept = [event for event in read_events(path) if _step(event) <= last.get(str(event.get("event")), step)]
    write_beside(path, "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept))


def read_events(path: Path) -> list[dict[str, object]]:
    """The events of a log as plain JSON objects, oldest first; lines that are no whole object are passed over."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [event for event in map(_parsed, lines) if event is not None]


def _parsed(line: str) -> dict[str, object] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _step(event: dict[str, object]) -> int:
    step = event.get("step")
    return step if isinstance(step, int) else 0
