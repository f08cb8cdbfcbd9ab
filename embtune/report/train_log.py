"""`train.log`: what people saw, with the time of each line and without colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TextIO

from embtune.files import appending, writing

# colours, cursor moves and window titles
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class TrainLog:
    """The open log; `PlainProgress(log.line)` fills it whatever the terminal shows. Open it with `TrainLog.opened`."""

    def __init__(self, path: Path, stream: TextIO, hide: Callable[[str], str] = str) -> None:
        self.path = path
        self._stream = stream
        self._hide = hide

    @classmethod
    @contextmanager
    def opened(cls, path: Path, hide: Callable[[str], str] = str) -> Iterator[Self]:
        """Append to the log at `path`; a resumed run goes on in the same file.

        Args:
            hide: takes out of each text what no file is to hold.

        Raises:
            RunError: it cannot be written.
        """
        with appending(path) as stream:
            yield cls(path, stream, hide)

    def line(self, text: str) -> None:
        """Write each line of `text` with the time in UTC before it.

        Raises:
            RunError: it cannot be written.
        """
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with writing(self.path):
            self._stream.writelines(f"{now}  {line}\n" for line in without_escapes(self._hide(text)).split("\n"))
            self._stream.flush()


def without_escapes(text: str) -> str:
    """`text` without terminal escape sequences and carriage returns."""
    return _ESCAPES.sub("", text).replace("\r", "")
