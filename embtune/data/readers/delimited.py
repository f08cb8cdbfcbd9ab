"""CSV and TSV with a header line. Cells follow RFC 4180: quoted cells may hold separators, quotes and line ends.

Files of parallel sentences are often TSV without a header. One whose first line has two sentences is taken for such,
and its columns are called column_1, column_2 and so on: else its first row would be lost without a word.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from embtune.data.readers.lines import LINE_LIMIT, Fault, read_lines
from embtune.data.row import Row, RowMaker, Rows, stop
from embtune.errors import Location

_ENDS = (".", "?", "!", "\u3002", "\uff1f", "\uff01")


def read_csv(stream: BinaryIO, maker: RowMaker) -> Rows:
    """Rows of a comma-separated file."""
    return _read(stream, maker, ",")


def read_tsv(stream: BinaryIO, maker: RowMaker) -> Rows:
    """Rows of a tab-separated file."""
    return _read(stream, maker, "\t")


def _read(stream: BinaryIO, maker: RowMaker, separator: str) -> Rows:
    records = _Records(stream, separator)
    header: list[str] | None = None
    for record in records:
        fault = records.fault
        if header is None and separator == "\t" and not fault and _is_of_sentences(record):
            header = [f"column_{number}" for number in range(1, len(record) + 1)]
            yield _row(header, record, records.start, maker)
        elif header is None:
            header = _header(record, records.start, fault, maker)
        elif fault:
            yield maker.bad(records.start, fault.code, fault.message, fault.hint, fault.column)
        elif record:  # a blank line is no row
            yield _row(header, record, records.start, maker)


class _Records(Iterator[list[str]]):
    """The records of a file. `start` is the first line of the last one, `fault` what is wrong with it."""

    def __init__(self, stream: BinaryIO, separator: str) -> None:
        # The csv module keeps this limit for the whole process; its own of 128 KiB is shorter than a long document.
        csv.field_size_limit(LINE_LIMIT)
        self.start = 1
        self.fault: Fault | None = None
        self._size = 0  # characters of the record so far
        self._lines = read_lines(stream)
        self._reader = csv.reader(self._texts(), delimiter=separator, strict=True)

    def _texts(self) -> Iterator[str]:
        for line in self._lines:
            self.fault = self.fault or line.fault
            self._size += len(line.text)
            if self._size > LINE_LIMIT:  # of a quote that is never closed the whole file would be one row
                raise csv.Error(f"longer than {LINE_LIMIT >> 20} MiB; is a quote not closed?")
            yield line.text

    def __next__(self) -> list[str]:
        self.start = self._reader.line_num + 1
        self.fault, self._size = None, 0
        try:
            return next(self._reader)
        except csv.Error as error:
            self.fault = self.fault or _fault(str(error))
            return []


def _fault(reason: str) -> Fault:
    hint = 'a quote inside a quoted cell is written twice: "she said ""no"""'
    if reason == "unexpected end of data":
        reason = "a quoted cell starts here and is never closed"
    return Fault("broken-csv", f"the row cannot be read: {reason}", hint)


def _is_of_sentences(record: list[str]) -> bool:
    """Whether two cells read as sentences: several words, and a mark at their end, which names of columns lack."""
    texts = [cell.strip() for cell in record]
    return sum(text.endswith(_ENDS) and (" " in text or not text.isascii()) for text in texts) >= 2


def _header(record: list[str], line: int, fault: Fault | None, maker: RowMaker) -> list[str] | None:
    """The column names as written; None for a blank line before them."""
    where = Location(maker.path, line)
    if fault:
        stop(fault.code, f"the header: {fault.message}", where, fault.hint)
    twice = sorted(name for name, count in Counter(record).items() if name and count > 1)
    if twice:
        stop("duplicate-column", f"the header names {twice[0]!r} twice", where, "give every column a name of its own")
    return record or None


def _row(header: list[str], cells: list[str], line: int, maker: RowMaker) -> Row:
    if len(cells) != len(header):
        message = f"{len(cells)} cells in this row, {len(header)} columns in the header ({', '.join(header)})"
        return maker.bad(line, "wrong-cells", message, "a cell that holds the separator or a quote stands in quotes")
    return maker.good(line, {name: cell or None for name, cell in zip(header, cells, strict=True)})
