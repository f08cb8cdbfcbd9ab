"""One row of a data file, as every reader yields it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from embtune.errors import ConfigError, DataError, Location, Problem


@dataclass(frozen=True, slots=True)
class Row:
    """A row and where it stands.

    values: column name, exactly as in the file, -> value. Cells of csv, tsv and txt are `str`, or None where the cell
        is empty; other formats give what JSON or Arrow hold.
    problem: why the row could not be read (broken JSON, too few cells ...); then `values` is empty. Such rows travel
        with the others, so that all of them are reported at once, or skipped and counted.
    """

    values: dict[str, object]
    location: Location
    problem: Problem | None = None


Rows = Iterator[Row]


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes the rows of one file."""

    path: str
    location: Location = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "location", Location(self.path))

    def good(self, line: int, values: dict[str, object]) -> Row:
        """A row that starts at `line` (from 1)."""
        return Row(values, Location(self.path, line))

    def bad(self, line: int, code: str, message: str, hint: str | None = None, column: int | None = None) -> Row:
        """A row that could not be read."""
        location = Location(self.path, line, column)
        return Row({}, location, Problem(code, message, location, hint))


_WIDTH = 40  # characters of a cell that is shown
_CELLS = 6


def first_cells(row: Row, roles: Mapping[str, str] | None = None) -> str:
    """A row for a message: `a.jsonl:1 has a (anchor) "How old...", score (label) 0.5, source "web"`.

    Args:
        roles: column -> what it was read as; these come first.
    """
    named = {name: f" ({role})" for name, role in (roles or {}).items()}
    columns = [*named, *(name for name in row.values if name not in named)]
    cells = [f"{name}{named.get(name, '')} {_shortened(row.values.get(name))}" for name in columns]
    more = f" and {len(cells) - _CELLS} columns more" if len(cells) > _CELLS else ""
    return f"{row.location} has {', '.join(cells[:_CELLS])}{more}"


def _shortened(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def stop(code: str, message: str, location: Location | None, hint: str | None = None) -> NoReturn:
    """Raise the `DataError` of a file whose content cannot be read any further."""
    raise DataError(Problem(code, message, location, hint))


def refuse(code: str, message: str, hint: str | None = None, location: Location | None = None) -> NoReturn:
    """Raise the `ConfigError` of a source that is declared wrongly: it is not there, or no kind of data file."""
    raise ConfigError(Problem(code, message, location, hint))
