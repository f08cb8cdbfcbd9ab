"""Which column is what: declared by the user, or found by names and then by values, always with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from embtune.catalog.roles import LABEL_ROLE
from embtune.catalog.spec import Format
from embtune.data.columns import Column, profile
from embtune.data.declared_roles import assignment_declared
from embtune.data.layout import Assignment, Layout, choose
from embtune.data.role_languages import assignments_by_language
from embtune.data.role_names import assignments_by_name
from embtune.data.role_values import assignments_by_value, label_by_value
from embtune.data.row import Row
from embtune.errors import DataError, Problem

# where nothing but a label is missing; triplets are complete without one
_UNLABELLED = frozenset({"text", "sentence_A"})

__all__ = ["Layout", "declared_layout", "detect_layout"]


def declared_layout(
    columns: Mapping[str, str], sample: Sequence[Row], wanted: Sequence[Format] | None = None
) -> Layout:
    """The layout of declared columns; nothing else is ever read.

    Args:
        columns: role, or an accepted other name of it, to column.
        sample: the first rows of the data.
        wanted: the formats of the chosen loss, which decide how a label of 0 and 1 is read.

    Raises:
        ConfigError: roles or columns that do not exist, an inverted map; each with the line to write.
        DataError: there is no row.
    """
    found = profile(_some(sample))
    return choose(assignment_declared(columns, found).layouts(found), wanted, found, sample[0])


def detect_layout(sample: Sequence[Row], wanted: Sequence[Format] | None = None) -> Layout:
    """The layout found by column names and languages, and by values where names say nothing.

    Where several readings are possible, the first of a wanted format is taken, and a note says so.

    Raises:
        ConfigError: neither names nor values decide, or two columns could be the label; the hint is the line to write.
        DataError: there is no row.
    """
    columns = profile(_some(sample))
    assignments = assignments_by_name(columns)
    if assignments:
        assignments = _with_found_label(assignments, columns)
    else:
        assignments = assignments_by_language(columns) or assignments_by_value(columns, sample[0])
    candidates = [layout for assignment in assignments for layout in assignment.layouts(columns)]
    return choose(candidates, wanted, columns, sample[0])


def _some(sample: Sequence[Row]) -> Sequence[Row]:
    if not sample:
        raise DataError(Problem("no-rows", "the data has no rows"))
    return sample


def _with_found_label(assignments: Sequence[Assignment], columns: Mapping[str, Column]) -> list[Assignment]:
    """The assignments, followed by those with a label that only its values betray, for a loss that needs one."""
    more = []
    for assignment in assignments:
        if assignment.label or assignment.notes or not _UNLABELLED & set(assignment.columns):
            continue
        label = label_by_value(columns, without=frozenset(assignment.columns.values()))
        if label is not None:
            why = {**assignment.why, LABEL_ROLE: "the only column that looks like a label"}
            more.append(replace(assignment, label=label, why=why, label_is_guess=True))
    return [*assignments, *more]
