"""CSV and TSV with a header line, as `embtune.data.readers.delimited` reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from embtune.data.readers.json_lines import json_kind
from embtune.data.writers.sink import RowSink, Values, is_encodable, refuse_value
from embtune.data.writers.table import Header


class DelimitedSink(RowSink):
    """Writes UTF-8 cells, quoted where they have to be. Null is an empty cell; lists and objects are refused."""

    def __init__(self, stream: BinaryIO, separator: str) -> None:
        super().__init__()
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        # Python before 3.13 leaves a carriage return unquoted, and readers take it for the end of a line
        self._plain = csv.writer(self._text, delimiter=separator, lineterminator="\n")
        self._quoted = csv.writer(self._text, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._header = Header()

    def put(self, row: Values) -> None:
        """One record, after the header where it is the first."""
        is_first = self._header.check(row)
        cells = [_cell(column, row.get(column)) for column in self._header.columns]
        if is_first:
            self._record(self._header.columns)
        self._record(cells)

    def _record(self, cells: Sequence[object]) -> None:
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (self._quoted if has_return else self._plain).writerow(cells)

    def finish(self) -> None:
        """Hand on what is buffered, and let go of the stream."""
        self._text.detach()


def _cell(column: str, value: object) -> object:
    if isinstance(value, list | tuple | dict | np.ndarray):
        refuse_value("a csv or tsv file", column, "a list" if isinstance(value, np.ndarray) else json_kind(value))
    if isinstance(value, str) and not value.isascii() and not is_encodable(value):
        refuse_value("a csv or tsv file", column, "half a character (a lone surrogate)")
    return value
