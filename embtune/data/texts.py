"""The text cells of a row: checked, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from embtune.catalog.roles import LIST_ROLE, is_negative
from embtune.data.bad_rows import BadValueError
from embtune.data.readers.json_lines import is_too_deep, json_kind

MAX_NEGATIVES = 4096  # in a list; every row takes as much room as the widest


def checked_text(value: object) -> str:
    """The text, verbatim.

    Raises:
        BadValueError: it is null, empty, only white space, no text, or holds half a surrogate pair.
    """
    if isinstance(value, str):
        if not value or value.isspace():
            raise BadValueError("empty-text", "is empty" if not value else f"is only white space ({value[:20]!r})")
        if not value.isascii():
            _check_encodable(value)
        return value
    if value is None:
        raise BadValueError("null-text", "is null or an empty cell, expected text")
    raise BadValueError("not-text", f"is {json_kind(value)}, expected text", "texts stand in quotes, as strings")


def _check_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = f"\\u{ord(text[error.start]):04x}"
        hint = "half a character: the text was cut inside an emoji or decoded wrongly"
        raise BadValueError("broken-text", f"holds a lone surrogate {code} at character {error.start}", hint) from error


class TextColumns:
    """Reads all texts of a row in role order.

    Args:
        columns: role -> column. The role `negatives` names a list of texts, as JSON where the cell is a text itself.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.single = {role: column for role, column in columns.items() if role != LIST_ROLE}
        self.list_column = columns.get(LIST_ROLE)
        self._others = sum(not is_negative(role) for role in self.single)
        assert not (self.list_column and any(map(is_negative, self.single))), "negatives are columns or one list"

    def read(self, values: Mapping[str, object]) -> list[str | None]:
        """The texts of the single roles, then those of the list. None is an absent numbered negative.

        Raises:
            BadValueError: the first text that cannot be used, its role named.
        """
        texts = [self._single(role, column, values) for role, column in self.single.items()]
        return texts if self.list_column is None else texts + self._list(self.list_column, values)

    def roles(self, width: int) -> tuple[str, ...]:
        """The roles of `width` texts as `read` gives them, the list expanded."""
        return (*self.single, *(f"negative_{i}" for i in range(1, width - len(self.single) + 1)))

    def count_negatives(self, texts: Sequence[str | None]) -> int:
        """How many negatives a row has; in role order they come last."""
        return sum(text is not None for text in texts[self._others :])

    def _single(self, role: str, column: str, values: Mapping[str, object]) -> str | None:
        try:
            value = values[column]
            # Columns negative_2 and up are the tail of a ragged list written as columns: null ends it.
            if value is None and role.startswith("negative_") and role != "negative_1":
                return None
            return checked_text(value)
        except KeyError:
            raise missing_column(role, column, values) from None
        except BadValueError as error:
            raise in_role(error, role, column) from error

    def _list(self, column: str, values: Mapping[str, object]) -> list[str | None]:
        if column not in values:
            raise missing_column(LIST_ROLE, column, values)
        items = parsed_list(values[column])
        if items is None:
            reason = f"is {json_kind(values[column])}, expected a list of texts"
            raise in_role(BadValueError("not-a-list", reason), LIST_ROLE, column)
        if len(items) > MAX_NEGATIVES:
            reason = f"holds {len(items):,} texts, expected {MAX_NEGATIVES:,} at most"
            raise in_role(BadValueError("long-list", reason, "keep the hardest"), LIST_ROLE, column)
        if not items:
            raise in_role(
                BadValueError("empty-list", "is an empty list, expected at least one text"), LIST_ROLE, column
            )
        return [self._item(item, index, column) for index, item in enumerate(items)]

    def _item(self, item: object, index: int, column: str) -> str | None:
        try:
            return checked_text(item)
        except BadValueError as error:
            raise in_role(error, f"{LIST_ROLE}[{index}]", f"{column}[{index}]") from error


def parsed_list(value: object) -> list[object] | None:
    """A list as it is, or read from JSON (csv and tsv have no lists); None where it is neither."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
        if is_too_deep(value):
            return None
    return list(value) if isinstance(value, list | tuple) else None


def in_role(error: BadValueError, role: str, column: str) -> BadValueError:
    """The same error, its sentence begun: "anchor (column 'question') is null"."""
    name = role if role == column else f"{role} (column {column!r})"
    return BadValueError(error.code, f"{name} {error.reason}", error.hint, role.partition("[")[0])


def missing_column(role: str, column: str, values: Mapping[str, object]) -> BadValueError:
    """The error of a row that lacks a column."""
    found = ", ".join(map(repr, values)) or "nothing"
    return BadValueError("missing-column", f"{role}: the row has no column {column!r}; it has {found}", role=role)
