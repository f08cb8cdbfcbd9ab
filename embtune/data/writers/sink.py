"""What takes rows one by one, whatever the format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NoReturn

from embtune.errors import Problem, UsageError

Values = Mapping[str, object]


class RowSink(ABC):
    """Takes rows one by one. `count` is how many it took."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, row: Values) -> None:
        """Write one row, column name -> value.

        Raises:
            UsageError: the format has no place for what the row holds.
        """
        self.put(row)
        self.count += 1

    @abstractmethod
    def put(self, row: Values) -> None:
        """Write one row in this format; called by `write`."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is still held. The stream stays open."""


def refuse_value(format: str, column: str, kind: str) -> NoReturn:
    """Raise the error of a value that the format of the output has no place for."""
    message = f"column {column!r} holds {kind}, for which {format} has no place"
    raise UsageError(Problem("cannot-hold", message, None, "choose a name that ends in .jsonl"))


def is_encodable(text: str) -> bool:
    """Whether a text has a UTF-8 form, which half a surrogate pair has not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
