"""Rows into a file or to standard output, one by one. The name of the file says the format, as in reading.

    with row_writer("pairs.jsonl.gz") as rows:
        rows.write({"anchor": "...", "positive": "..."})

A file is written beside and takes its name when it is whole; a block that raises leaves nothing.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

from embtune.data.readers.formats import Compression, FileFormat, FileKind, file_kind
from embtune.data.writers.delimited import DelimitedSink
from embtune.data.writers.json_lines import JsonLinesSink
from embtune.data.writers.parquet import ParquetSink
from embtune.data.writers.sink import RowSink
from embtune.errors import Problem, RunError, UsageError
from embtune.files import file_beside

__all__ = ["STDOUT", "WRITABLE", "RowSink", "check_output", "row_writer"]

STDOUT = "-"
WRITABLE = "jsonl, csv or tsv, plain or with .gz or .zst, or parquet"

_SINKS: dict[FileFormat, Callable[[BinaryIO], RowSink]] = {
    FileFormat.JSONL: JsonLinesSink,
    FileFormat.CSV: partial(DelimitedSink, separator=","),
    FileFormat.TSV: partial(DelimitedSink, separator="\t"),
    FileFormat.PARQUET: ParquetSink,
}


@contextmanager
def row_writer(out: str | Path, stdout: BinaryIO | None = None) -> Iterator[RowSink]:
    """A sink for rows, each a mapping of column name to value.

    Equal rows give equal bytes, compressed too. Tables (csv, tsv, parquet) have the columns of their first row.

    Args:
        out: a file; or `-`, for JSON Lines on `stdout`.
        stdout: standard output's bytes; needed for `-`.

    Raises:
        UsageError: as `check_output`; or a row holds what the format has no place for.
        RunError: the disk is full, or not to be written to.
    """
    if str(out) == STDOUT:
        assert stdout is not None, "whoever accepts `-` has a standard output"
        with _standard_output(stdout) as sink:
            yield sink
        return
    path, kind = _target(out)
    with file_beside(path) as beside, beside.open("wb") as raw, _compressed(raw, kind.compression) as stream:
        sink = _SINKS[kind.format](stream)
        yield sink
        sink.finish()


def check_output(out: str | Path) -> None:
    """Refuse a file that cannot be written by its name or place, before any work is done for it.

    Raises:
        UsageError: the name says no format that embtune writes, the folder is missing, or it is no file.
    """
    if str(out) != STDOUT:
        _target(out)


def _target(out: str | Path) -> tuple[Path, FileKind]:
    path = Path(out)
    kind = file_kind(path.name)
    if kind is None or kind.format not in _SINKS or (kind.format is FileFormat.PARQUET and _is_packed(kind)):
        _refuse("unknown-extension", f"{out}: no format that embtune writes has such a name", f"it writes {WRITABLE}")
    if not path.parent.is_dir():
        _refuse("missing-folder", f"no such folder: {path.parent}", "make it first")
    if os.path.exists(path) and not path.is_file():  # what is too long for a path is told when it is opened
        _refuse("not-a-file", f"{out} is there and is no file", "choose another name, or - for standard output")
    return path, kind


def _is_packed(kind: FileKind) -> bool:
    return kind.compression is not Compression.NONE


def _refuse(code: str, message: str, hint: str) -> NoReturn:
    raise UsageError(Problem(code, message, None, hint))


@contextmanager
def _standard_output(stdout: BinaryIO) -> Iterator[RowSink]:
    try:
        yield JsonLinesSink(stdout)
        stdout.flush()
    except BrokenPipeError:  # the reader has had enough, which ends a command quietly
        raise
    except OSError as error:
        raise RunError.of("cannot-write", f"cannot write standard output: {error.strerror or error}") from error


@contextmanager
def _compressed(raw: BinaryIO, compression: Compression) -> Iterator[BinaryIO]:
    """The stream that compresses into `raw`, without name or time, so that equal content gives equal bytes."""
    if compression is Compression.GZIP:
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed, io.BufferedWriter(packed) as stream:
            yield cast(BinaryIO, stream)
    elif compression is Compression.ZSTD:
        import zstandard  # here, so that nothing else pays for it

        with zstandard.ZstdCompressor().stream_writer(raw, closefd=False) as stream:
            yield cast(BinaryIO, stream)
    else:
        yield raw
