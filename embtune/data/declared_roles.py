"""Roles as the user declared them: `columns: {anchor: question, positive: answer}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embtune.catalog.nearest import nearest
from embtune.catalog.roles import LABEL_ROLE, LIST_ROLE, canonical_role, is_negative, role_words
from embtune.data.columns import Cell, Column, columns_line, folded, listed
from embtune.data.layout import Assignment
from embtune.errors import ConfigError, Problem

_DECLARED = "declared"


def assignment_declared(declared: Mapping[str, str], columns: Mapping[str, Column]) -> Assignment:
    """The declared columns under canonical roles.

    Raises:
        ConfigError: every mistake of the map, each with the line to write instead.
    """
    problems = _inverted(declared, columns) or _bad_names(declared, columns)
    if not problems:
        problems = _clashes(declared, columns)
    if problems:
        raise ConfigError(problems)
    named = {_role(role, columns[column]): column for role, column in declared.items()}
    label = named.pop(LABEL_ROLE, None)
    why = dict.fromkeys([*named, LABEL_ROLE], _DECLARED)
    return Assignment(named, why, None if label is None else columns[label])


def _role(name: str, column: Column) -> str:
    role = canonical_role(name)
    assert role is not None, f"{name} was checked to be a role"
    if role == "negative" and column.cell is Cell.TEXTS:
        return LIST_ROLE
    if role == LIST_ROLE and column.cell is Cell.TEXT:
        return "negative"
    return role


def _inverted(declared: Mapping[str, str], columns: Mapping[str, Column]) -> list[Problem]:
    """The one problem of a map written from column to role, empty when it is not."""
    are_roles = [canonical_role(role) is not None for role in declared]
    are_columns = [role in columns for role in declared]
    if not all(canonical_role(column) for column in declared.values()) or not any(are_columns):
        return []
    could_be_right = any(column in columns for column in declared.values())
    if all(are_roles) and (could_be_right or not all(are_columns)):
        return []
    right = columns_line({column: role for role, column in declared.items()})
    return [
        Problem(
            "inverted-columns",
            "columns maps a role to a column, and this is the other way round",
            hint=f"write {right}",
        )
    ]


def _bad_names(declared: Mapping[str, str], columns: Mapping[str, Column]) -> list[Problem]:
    """Roles and columns that do not exist; every hint is the whole map with all of them put right."""
    roles = {role: role if canonical_role(role) else _alike(role, role_words()) for role in declared}
    names = {name: name if name in columns else _alike(name, columns) for name in declared.values()}
    right = columns_line({roles[role] or role: names[column] or column for role, column in declared.items()})
    problems = []
    for role, column in declared.items():
        if roles[role] != role:
            problems.append(_unknown_role(role, roles[role], right))
        if names[column] != column:
            problems.append(_missing_column(role, column, names[column], right, columns))
    return problems


def _alike(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that differs in case, spaces or a byte-order mark only, else the nearest, else None."""
    known = list(candidates)
    return next((other for other in known if folded(other) == folded(word)), None) or nearest(word, known)


def _unknown_role(role: str, alike: str | None, right: str) -> Problem:
    if alike is None:
        return Problem("unknown-role", f"{role!r} is not a role", hint=f"roles are {', '.join(role_words())}")
    return Problem("unknown-role", f"{role!r} is not a role; {alike} is", hint=f"write {right}")


def _missing_column(role: str, column: str, alike: str | None, right: str, columns: Mapping[str, Column]) -> Problem:
    message = f"the data has no column {column!r}, declared as {role}"
    if alike is None:
        return Problem("missing-column", message, hint=f"its columns are {listed(list(columns))}")
    return Problem("missing-column", f"{message}; it has {alike!r}", hint=f"write {right}")


def _clashes(declared: Mapping[str, str], columns: Mapping[str, Column]) -> list[Problem]:
    """Two names for one role, negatives both as a list and as columns, a label without texts."""
    names: dict[str, list[str]] = {}
    for name, column in declared.items():
        names.setdefault(_role(name, columns[column]), []).append(name)
    twice = [
        Problem("duplicate-role", f"{' and '.join(both)} are the same role, {role}", hint="declare one of them")
        for role, both in names.items()
        if len(both) > 1
    ]
    if LIST_ROLE in names and sum(map(is_negative, names)) > 1:
        twice.append(Problem("duplicate-role", "negatives are either one list column or numbered columns, not both"))
    if set(names) <= {LABEL_ROLE}:
        twice.append(Problem("missing-role", "columns declares no text", hint="declare one, such as {text: ...}"))
    return twice
