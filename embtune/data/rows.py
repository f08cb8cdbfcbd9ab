"""Rows of any data source: a file, a glob, a folder, a hub dataset or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from embtune.data.readers.columnar import read_arrow, read_parquet
from embtune.data.readers.delimited import read_csv, read_tsv
from embtune.data.readers.formats import FileFormat
from embtune.data.readers.hub import HubDataset, read_hub
from embtune.data.readers.json_document import read_json_document
from embtune.data.readers.json_lines import read_json_lines
from embtune.data.readers.plain_text import read_plain_text
from embtune.data.readers.streams import open_bytes
from embtune.data.row import Row, RowMaker, Rows, stop
from embtune.data.sources import SourceFile, find_source
from embtune.errors import DataError, Location

__all__ = ["Row", "read_rows", "sample_rows"]

STDIN = "-"
SAMPLE_ROWS = 1000
_SHOWN = 10

_READERS: dict[FileFormat, Callable[[BinaryIO, RowMaker], Rows]] = {
    FileFormat.JSONL: read_json_lines,
    FileFormat.JSON: read_json_document,
    FileFormat.CSV: read_csv,
    FileFormat.TSV: read_tsv,
    FileFormat.PARQUET: read_parquet,
    FileFormat.ARROW: read_arrow,
    FileFormat.TXT: read_plain_text,
}


def read_rows(path: str, base_dir: Path | None = None, stdin: BinaryIO | None = None) -> Rows:
    """All rows of a source, in order, as they are read: nothing is held.

    Args:
        path: file, glob, folder (its data files by name), hub id, or "-" for JSON Lines on standard input.
        base_dir: what relative paths are read from; None is the working directory.
        stdin: standard input's bytes.

    Raises:
        ConfigError: the source is not there or is no data file; raised by the call, not by the first row.
        DataError: the content cannot be read, or holds no row. A row that cannot be read is yielded, with its problem.
    """
    if path == STDIN:
        return _at_least_one(read_json_lines(stdin or sys.stdin.buffer, RowMaker("<stdin>")), "<stdin>")
    source = find_source(path, base_dir or Path())
    if isinstance(source, HubDataset):
        return _at_least_one(read_hub(source, path), path)
    return _at_least_one(_read_files(source), str(source[0].path) if len(source) == 1 else path)


def sample_rows(
    path: str, base_dir: Path | None = None, stdin: BinaryIO | None = None, count: int = SAMPLE_ROWS
) -> list[Row]:
    """The first rows that can be read, at most `count` and at least one: what formats are detected from.

    Raises:
        ConfigError, DataError: as `read_rows`; also where none of the first rows can be read.
    """
    head = list(islice(read_rows(path, base_dir, stdin), count))
    return readable_rows(head)


def readable_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows without a problem.

    Raises:
        DataError: all have one; the first ten are shown.
    """
    seen = list(rows)
    good = [row for row in seen if row.problem is None]
    if seen and not good:
        raise DataError([row.problem for row in seen[:_SHOWN] if row.problem])
    return good


def _read_files(files: list[SourceFile]) -> Rows:
    for file in files:
        name = str(file.path)
        with open_bytes(file.path, file.kind.compression, name) as stream:
            yield from _READERS[file.kind.format](stream, RowMaker(name))


def _at_least_one(rows: Rows, name: str) -> Rows:
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        stop("no-rows", "there is no row in it", Location(name), "is this the right data, and was it written whole?")
