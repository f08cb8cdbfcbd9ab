"""Checks rows cell by cell and keeps the good ones compactly, each distinct text once."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embtune.data.bad_rows import BadValueError
from embtune.data.labels import LabelArray
from embtune.data.layout import Layout
from embtune.data.places import Places
from embtune.data.row import Row
from embtune.data.row_reader import RowReader
from embtune.errors import Location, Problem

_ABSENT = -1


class RowCollector:
    """Takes rows one by one and gives them back as columns."""

    def __init__(self, layout: Layout, class_names: Sequence[str] | None) -> None:
        self._reader = RowReader(layout, class_names)
        self._labels = self._reader.labels
        self._table: dict[str, int] = {}  # text -> id
        self._ids, self._width = array("i"), array("i")  # all rows' ids one after the other, and how many each has
        self._paths: dict[str, int] = {}
        self._file, self._line = array("i"), array("i")

    def add(self, row: Row) -> Problem | None:
        """Keep a row, or say why not; a bad row leaves no trace."""
        try:
            texts, label = self._reader.read(row)
        except BadValueError as error:
            return Problem(error.code, error.reason, row.location, error.hint)
        table = self._table
        self._ids.extend([_ABSENT if text is None else table.setdefault(text, len(table)) for text in texts])
        self._width.append(len(texts))
        if self._labels:
            self._labels.add(label)
        self._place(row.location)
        return None

    def _place(self, location: Location) -> None:
        self._file.append(self._paths.setdefault(location.path, len(self._paths)))
        self._line.append(location.line or 0)

    def remark(self) -> str | None:
        """What all labels together advise."""
        return self._labels.remark() if self._labels else None

    def columns(self) -> tuple[tuple[str, ...], dict[str, NDArray[np.int32]]]:
        """The roles in order, and role -> (N,) int32 text ids, -1 where a row has fewer negatives."""
        ids = self._padded()
        roles = self._reader.columns.roles(ids.shape[1])
        return roles, {role: np.ascontiguousarray(ids[:, i]) for i, role in enumerate(roles)}

    def texts(self) -> list[str]:
        """The distinct texts by id."""
        return list(self._table)

    def labels(self) -> tuple[LabelArray | None, tuple[str, ...]]:
        """The labels, one a row, and the names of the classes."""
        return (self._labels.array(), self._labels.class_names()) if self._labels else (None, ())

    def places(self) -> Places:
        """Where the rows stand."""
        return Places(tuple(self._paths), _int32(self._file), _int32(self._line))

    def _padded(self) -> NDArray[np.int32]:
        """(N, roles of the widest row) int32."""
        widths = _int32(self._width)
        padded = np.full((len(widths), int(widths.max())), _ABSENT, dtype=np.int32)
        padded[np.arange(padded.shape[1]) < widths[:, None]] = _int32(self._ids)
        return padded


def _int32(values: array[int]) -> NDArray[np.int32]:
    return np.frombuffer(values, dtype=np.intc).astype(np.int32)
