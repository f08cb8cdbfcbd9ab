"""Roles by what columns hold, where their names say nothing."""

from __future__ import annotations

from collections.abc import Mapping

from embtune.data.columns import Cell, Column, columns_line, folded, listed
from embtune.data.layout import Assignment
from embtune.data.role_names import labels_by_name
from embtune.data.row import Row, first_cells
from embtune.errors import ConfigError, Problem

_ONE_TEXT = "the only column of texts"
_TWO_TEXTS = ("the first of two columns of texts", "the second of two columns of texts")


def assignments_by_value(columns: Mapping[str, Column], first: Row) -> list[Assignment]:
    """One text, or two texts, with a label where a column looks like one.

    Args:
        columns: all of the data.
        first: a row to show where nothing can be decided.

    Raises:
        ConfigError: no column or more than two hold texts, so the roles have to be declared; the hint is the line.
    """
    labels = labels_by_name(columns)
    strings = [column for column in columns.values() if column not in labels and _is_text(column)]
    texts = [column for column in strings if not column.is_category()] or strings
    if not 1 <= len(texts) <= 2:
        raise ConfigError(_undecided(columns, texts, labels, first))
    roles = ("text",) if len(texts) == 1 else ("anchor", "positive")
    reasons = (_ONE_TEXT,) if len(texts) == 1 else _TWO_TEXTS
    why = dict(zip(roles, reasons, strict=True)) | {"label": "by its name"}
    named = dict(zip(roles, (column.name for column in texts), strict=True))
    if labels:
        whole = [Assignment(named, why, label) for label in labels]
    else:
        guess = label_by_value(columns, without=frozenset(named.values()))
        why["label"] = "the only column that looks like a label"
        notes = _other_way_round(named) if guess is None and len(texts) == 2 else ()
        whole = [Assignment(named, why, guess, notes, label_is_guess=True)]
    return [*whole, *([Assignment(named, why)] if whole[0].label and len(texts) == 1 else [])]


def _other_way_round(named: Mapping[str, str]) -> tuple[str, ...]:
    """Which text asks and which answers only their order says."""
    line = columns_line({"anchor": named["positive"], "positive": named["anchor"]})
    return (f"their order alone says which is the anchor; the other way round: {line}",)


def label_by_value(columns: Mapping[str, Column], without: frozenset[str]) -> Column | None:
    """The one column that could be a label by its values, None when there is none or more than one."""
    found = [column for column in columns.values() if column.name not in without and _is_label(column)]
    return found[0] if len(found) == 1 else None


def _is_text(column: Column) -> bool:
    return column.cell is Cell.TEXT and not _is_id(column) and column.numbers() is None


def _is_label(column: Column) -> bool:
    if _is_id(column):
        return False
    return column.cell in (Cell.NUMBER, Cell.NUMBERS, Cell.VECTORS) or column.is_category() or bool(column.numbers())


def _is_id(column: Column) -> bool:
    name = folded(column.name)
    return (
        name == "id"
        or name == "url"
        or column.name.casefold().endswith(("_id", "-id"))
        or name in ("qid", "pid", "docid")
    )


def _undecided(columns: Mapping[str, Column], texts: list[Column], labels: list[Column], row: Row) -> Problem:
    if not texts:
        return Problem(
            "no-texts",
            f"no column holds texts; there are {listed(list(columns))}; {first_cells(row)}",
            hint="declare which column is the text: columns: {text: ...}",
        )
    first, second = ("sentence_A", "sentence_B") if labels else ("anchor", "positive")
    example = {first: texts[0].name, second: texts[1].name} | ({"label": labels[0].name} if labels else {})
    names = listed([column.name for column in texts])
    return Problem(
        "undecided-roles",
        f"{len(texts)} columns hold texts ({names}), and their names do not say which is what; {first_cells(row)}",
        hint=f"declare the roles, for instance {columns_line(example)}",
    )
