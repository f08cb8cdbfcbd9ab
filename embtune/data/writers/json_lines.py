"""JSON Lines: one object a line, any values."""

from __future__ import annotations

import json
from typing import BinaryIO

import numpy as np

from embtune.data.writers.sink import RowSink, Values


class JsonLinesSink(RowSink):
    """Writes UTF-8. numpy's arrays are lists, and what else JSON does not know, such as a date, becomes its text.

    Half a surrogate pair is escaped.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def put(self, row: Values) -> None:
        """One line."""
        text = json.dumps(row, ensure_ascii=False, default=_plain)
        try:
            line = text.encode()
        except UnicodeEncodeError:
            line = json.dumps(row, default=_plain).encode()
        self._stream.write(line + b"\n")

    def finish(self) -> None:
        """Nothing is held."""


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
