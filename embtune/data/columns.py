"""What the columns of a sample of rows hold: texts, numbers or lists of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from embtune.data.row import Row
from embtune.data.texts import parsed_list

_PLAIN = re.compile(r"[^\W\d][\w-]*")
_MISTAKES = 0.2  # share of values
_YAML_WORDS = frozenset({"null", "true", "false"})


class Cell(Enum):
    """What one value is."""

    TEXT = "text"
    NUMBER = "number"
    TEXTS = "a list of texts"
    NUMBERS = "a list of numbers"
    VECTORS = "a list of lists"
    OTHER = "neither text nor number"


@dataclass(frozen=True)
class Column:
    """One column of a sample. `cell` is what most of its values are, None when all are null."""

    name: str
    cell: Cell | None
    values: tuple[object, ...]  # without nulls

    def numbers(self) -> list[float] | None:
        """The values as floats, numbers spelled as text too (csv has nothing else); None when they are no numbers.

        A few that are none (`_MISTAKES`) are left out: the column is one of numbers, and they are its mistakes.
        """
        numbers = [number for value in self.values if (number := _number(value)) is not None]
        return numbers if len(numbers) >= (1 - _MISTAKES) * len(self.values) else None

    def is_category(self) -> bool:
        """Whether a few short values come again and again, as classes do."""
        if self.cell not in (Cell.TEXT, Cell.NUMBER) or len(self.values) < 2:
            return False
        words = sum(len(str(value).split()) for value in self.values) / len(self.values)
        return len(set(map(str, self.values))) <= len(self.values) / 2 and words <= 4


def profile(sample: Sequence[Row]) -> dict[str, Column]:
    """The columns of a sample, in the order in which rows first name them. Lists spelled as JSON are lists."""
    values: dict[str, list[object]] = {}
    for row in sample:
        for name, value in row.values.items():
            values.setdefault(name, [])
            if value is not None and value == value:  # NaN, the null of tables of numbers, is unlike itself
                values[name].append(parsed_list(value) or value)
    return {name: Column(name, _majority(found), tuple(found)) for name, found in values.items()}


def folded(name: str) -> str:
    """A column or role name without case, separators, spaces or a byte-order mark."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def columns_line(columns: Mapping[str, str]) -> str:
    """The line of YAML that declares `columns`: `columns: {anchor: question, positive: "answer "}`."""
    pairs = ", ".join(f"{role}: {_quoted(column)}" for role, column in columns.items())
    return f"columns: {{{pairs}}}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Column names in quotes, at most `most`, for a message."""
    shown = ", ".join(repr(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _quoted(column: str) -> str:
    plain = _PLAIN.fullmatch(column) and column.casefold() not in _YAML_WORDS
    return column if plain else json.dumps(column, ensure_ascii=not column.isprintable())


def _majority(values: Sequence[object]) -> Cell | None:
    kinds = Counter(_cell(value) for value in values)
    return kinds.most_common(1)[0][0] if kinds else None


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        return Cell.TEXT
    if isinstance(value, int | float):
        return Cell.NUMBER
    if not isinstance(value, list | tuple) or not value:
        return Cell.OTHER
    inner = {_cell(item) for item in value if item is not None}
    if inner == {Cell.TEXT}:
        return Cell.TEXTS
    if inner == {Cell.NUMBER}:
        return Cell.NUMBERS
    return Cell.VECTORS if inner == {Cell.NUMBERS} else Cell.OTHER


def _number(value: object) -> float | None:
    if not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
