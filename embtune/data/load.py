"""From rows to examples: every cell checked, every distinct text kept once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embtune.data.bad_rows import SKIP_LIMIT, BadRows, BadValueError, OnBadRow
from embtune.data.examples import Examples, Places
from embtune.data.labels import LabelArray, labels_of
from embtune.data.layout import Layout
from embtune.data.row import Row
from embtune.data.texts import TextColumns, in_role, missing_column
from embtune.errors import DataError, Location, Problem

_ABSENT = -1


def load_examples(
    rows: Iterable[Row],
    layout: Layout,
    name: str,
    on_bad_row: OnBadRow = OnBadRow.ERROR,
    skip_limit: float = SKIP_LIMIT,
    class_names: Sequence[str] | None = None,
) -> Examples:
    """Read all rows of a dataset into memory.

    Args:
        layout: which column plays which role; other columns are not looked at.
        on_bad_row: whether a row that cannot be used is an error or is left out and counted.
        skip_limit: the share of rows that may be left out.
        class_names: the classes of the training data, for data that is judged by its model; None numbers those found.

    Raises:
        DataError: rows that cannot be used (the first ten, and how many in all), or no row at all.
    """
    collector = _Collector(layout, class_names)
    bad = BadRows(name, on_bad_row, skip_limit)
    total = 0
    for row in rows:
        total += 1
        problem = row.problem or collector.add(row)
        if problem:
            bad.add(problem)
    if total == 0:
        raise DataError(Problem("no-rows", f"dataset {name!r} has no rows"))
    bad.check(total, collector.remark())
    return replace(collector.examples(name), rows_skipped=bad.count)


class _Collector:
    """Takes rows, gives examples."""

    def __init__(self, layout: Layout, class_names: Sequence[str] | None) -> None:
        self._layout = layout
        self._columns = TextColumns(layout.columns)
        self._labels = labels_of(layout.label, layout.roles, class_names)
        self._table: dict[str, int] = {}  # text -> id
        self._ids, self._width = array("i"), array("i")  # all rows' ids one after the other, and how many each has
        self._paths: dict[str, int] = {}
        self._file, self._line = array("i"), array("i")

    def add(self, row: Row) -> Problem | None:
        """Keep a row, or say why not; a bad row leaves no trace."""
        try:
            texts = self._columns.read(row.values)
            label = self._label(row, texts)
        except BadValueError as error:
            return Problem(error.code, error.reason, row.location, error.hint)
        table = self._table
        self._ids.extend([_ABSENT if text is None else table.setdefault(text, len(table)) for text in texts])
        self._width.append(len(texts))
        if self._labels:
            self._labels.add(label)
        self._place(row.location)
        return None

    def _label(self, row: Row, texts: Sequence[str | None]) -> object:
        column = self._layout.label_column
        if self._labels is None or column is None:
            return None
        if column not in row.values:
            raise missing_column("label", column, row.values)
        try:
            return self._labels.cast(row.values[column], self._columns.count_negatives(texts))
        except BadValueError as error:
            raise in_role(error, "label", column) from error

    def _place(self, location: Location) -> None:
        self._file.append(self._paths.setdefault(location.path, len(self._paths)))
        self._line.append(location.line or 0)

    def remark(self) -> str | None:
        """What all labels together advise."""
        return self._labels.remark() if self._labels else None

    def examples(self, name: str) -> Examples:
        """Everything kept."""
        ids = self._padded()
        roles = self._columns.roles(ids.shape[1])
        return Examples(
            name=name,
            roles=roles,
            texts=list(self._table),
            text_ids={role: np.ascontiguousarray(ids[:, i]) for i, role in enumerate(roles)},
            labels=self._label_array(),
            label_kind=self._layout.label,
            class_names=self._labels.class_names() if self._labels else (),
            places=Places(tuple(self._paths), _int32(self._file), _int32(self._line)),
        )

    def _label_array(self) -> LabelArray | None:
        return self._labels.array() if self._labels else None

    def _padded(self) -> NDArray[np.int32]:
        """(N, roles of the widest row) int32."""
        widths = _int32(self._width)
        padded = np.full((len(widths), int(widths.max())), _ABSENT, dtype=np.int32)
        padded[np.arange(padded.shape[1]) < widths[:, None]] = _int32(self._ids)
        return padded


def _int32(values: array[int]) -> NDArray[np.int32]:
    return np.frombuffer(values, dtype=np.intc).astype(np.int32)
