"""Why a loss does not take a dataset, with what was read from where, and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embtune.catalog import Catalogue, LabelKind, LossSpec, Need, losses_fitting, why_not
from embtune.catalog.conversions import conversions_from
from embtune.catalog.formats import label_fits
from embtune.catalog.roles import LABEL_ROLE
from embtune.catalog.spec import Format
from embtune.data.columns import columns_line
from embtune.data.layout import Layout
from embtune.data.row import Row, first_cells

_SHOWN = 4  # losses named; check-format names all


def misfit(spec: LossSpec, layout: Layout, sample: Sequence[Row], catalogue: Catalogue) -> tuple[str, str]:
    """A sentence on what is wrong, with the first row as it was read, and what to do.

    Args:
        spec: a loss that does not take the data.
        sample: the first rows; at least one.
        catalogue: the losses there are.
    """
    reason = f"; {layout.reasons[-1]}" if layout.label_column is not None and layout.reasons else ""
    message = f"{why_not(spec, layout.roles, layout.label)}{reason}; {_first_row(layout, sample[0])}"
    return message, "; ".join(_remedies(spec, layout, sample, catalogue))


def _first_row(layout: Layout, row: Row) -> str:
    roles = {column: role for role, column in layout.columns.items()}
    if layout.label_column is not None:
        roles[layout.label_column] = LABEL_ROLE
    return first_cells(row, roles)


def _remedies(spec: LossSpec, layout: Layout, sample: Sequence[Row], catalogue: Catalogue) -> Iterator[str]:
    if Need.TEACHER in spec.needs and not spec.taught_formats and layout.label is not LabelKind.NONE:
        yield "with a teacher there is no label: declare the columns without it, or remove `teacher` from the loss"
        return
    declared = _declaration(spec, layout)
    if declared:
        yield f"if that is not what the columns are, write {declared}"
    lists = [name for name, value in sample[0].values.items() if _is_list(value) and name not in _used(layout)]
    if lists:
        yield f"column {lists[0]!r} is a list of texts, which only negatives can be: write a row for each of its texts"
    for way in conversions_from(layout.roles, layout.label):
        if way.target in spec.formats:
            yield f"add convert: {way.to} ({way})"
    yield _fitting(layout, catalogue)


def _used(layout: Layout) -> set[str | None]:
    return {*layout.columns.values(), layout.label_column}


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _fitting(layout: Layout, catalogue: Catalogue) -> str:
    fitting = [spec.name for spec in losses_fitting(layout.roles, layout.label, catalogue.specs)]
    if not fitting:
        return "no loss takes this data as it is"
    more = f" and {len(fitting) - _SHOWN} more" if len(fitting) > _SHOWN else ""
    return f"losses that take this data: {', '.join(fitting[:_SHOWN])}{more}"


def _declaration(spec: LossSpec, layout: Layout) -> str | None:
    """The line that reads the same columns as the loss needs them, where that makes sense; None where it does not.

    A label that its name says is one is never left out so: it may say that a pair is none.
    """
    for format in spec.formats:
        drops_label = layout.label is not LabelKind.NONE and format.label is LabelKind.NONE
        if drops_label and not layout.label_is_guess:
            continue
        texts = list(layout.columns.values())
        is_plain = not any(role.endswith("_1..n") or role == "any" for role in format.roles)
        if is_plain and len(format.roles) <= len(texts) and (drops_label or label_fits(format.label, layout.label)):
            return _line(format, layout, texts)
    return None


def _line(format: Format, layout: Layout, texts: Sequence[str]) -> str:
    columns = dict(zip(format.roles, texts, strict=False))
    if format.label is not LabelKind.NONE and layout.label_column is not None:
        columns[LABEL_ROLE] = layout.label_column
    return columns_line(columns)
