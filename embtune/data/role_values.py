"""Roles by what columns hold, where their names say nothing."""

from __future__ import annotations

from collections.abc import Mapping

from embtune.data.columns import Cell, Column, columns_line, folded, listed
from embtune.data.layout import Assignment
from embtune.data.role_names import label_by_name
from embtune.errors import ConfigError, Problem

_ONE_TEXT = "the only column of texts"
_TWO_TEXTS = ("the first of two columns of texts", "the second of two columns of texts")


def assignments_by_value(columns: Mapping[str, Column]) -> list[Assignment]:
    """One text, or two texts, with a label where a column looks like one.

    Raises:
        ConfigError: no column or more than two hold texts, so the roles have to be declared; the hint is the line.
    """
    label = label_by_name(columns)
    strings = [column for column in columns.values() if column is not label and _is_text(column)]
    texts = [column for column in strings if not column.is_category()] or strings
    if not 1 <= len(texts) <= 2:
        raise ConfigError(_undecided(columns, texts, label))
    roles = ("text",) if len(texts) == 1 else ("anchor", "positive")
    reasons = (_ONE_TEXT,) if len(texts) == 1 else _TWO_TEXTS
    why = dict(zip(roles, reasons, strict=True)) | {"label": "by its name"}
    named = dict(zip(roles, (column.name for column in texts), strict=True))
    if label is None:
        label = label_by_value(columns, without=frozenset(named.values()))
        why["label"] = "the only column that looks like a label"
    return [Assignment(named, why, label), *([Assignment(named, why)] if label and len(texts) == 1 else [])]


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


def _undecided(columns: Mapping[str, Column], texts: list[Column], label: Column | None) -> Problem:
    if not texts:
        return Problem(
            "no-texts",
            f"no column holds texts; there are {listed(list(columns))}",
            hint="declare which column is the text: columns: {text: ...}",
        )
    scored = label is not None
    first, second = ("sentence_A", "sentence_B") if scored else ("anchor", "positive")
    example = {first: texts[0].name, second: texts[1].name} | ({"label": label.name} if label else {})
    names = listed([column.name for column in texts])
    return Problem(
        "undecided-roles",
        f"{len(texts)} columns hold texts ({names}), and their names do not say which is what",
        hint=f"declare the roles, for instance {columns_line(example)}",
    )
