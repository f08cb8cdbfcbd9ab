"""Parquet and Arrow tables. A row's number stands where text formats have a line.

Arrow files may be of the file or of the stream kind (`datasets` writes the latter); feather version 2 is the former.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from embtune.data.readers.streams import read_whole
from embtune.data.row import RowMaker, Rows, stop
from embtune.errors import Location

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 1024  # rows turned into Python objects at a time


def read_parquet(stream: BinaryIO, maker: RowMaker) -> Rows:
    """Rows of a parquet file."""
    import pyarrow.parquet as pq

    source = _seekable(stream, maker)
    with _arrow_errors(maker, "parquet"):
        yield from _rows(pq.ParquetFile(source).iter_batches(batch_size=_BATCH), maker)


def read_arrow(stream: BinaryIO, maker: RowMaker) -> Rows:
    """Rows of an Arrow file or stream."""
    import pyarrow as pa

    source = _seekable(stream, maker)
    is_file = source.read(6) == b"ARROW1"
    source.seek(0)
    with _arrow_errors(maker, "Arrow"):
        if is_file:
            reader = pa.ipc.open_file(source)
            yield from _rows((reader.get_batch(i) for i in range(reader.num_record_batches)), maker)
        else:
            yield from _rows(pa.ipc.open_stream(source), maker)


def _seekable(stream: BinaryIO, maker: RowMaker) -> BinaryIO:
    """The stream, or all its bytes: columnar files are read from their end, which a compressed stream cannot do."""
    if isinstance(stream, io.BufferedReader) and stream.seekable():
        return stream
    return io.BytesIO(read_whole(stream, maker, "decompress it: the format compresses by itself"))


def _rows(batches: Iterable[pa.RecordBatch], maker: RowMaker) -> Rows:
    number = 0
    for batch in batches:
        batch.validate(full=True)  # offsets of a damaged file point outside its data: reading them ends the process
        for start in range(0, batch.num_rows, _BATCH):
            for values in _plain(batch.slice(start, _BATCH)).to_pylist():
                number += 1
                yield maker.good(number, values)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Decimals, as databases export them, as floats; bytes, as old writers of parquet leave texts, as texts."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([_plain_column(column) for column in batch.columns], names=batch.schema.names)


def _plain_column(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return column
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:  # they are no UTF-8, so they are no texts
        return column


@contextmanager
def _arrow_errors(maker: RowMaker, kind: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, ArithmeticError, LookupError, TypeError) as error:
        # beside those of Arrow itself: dates and time zones that Python has not, and texts that are no UTF-8
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        stop("corrupt-file", f"this is no sound {kind} file: {reason}", Location(maker.path), "write the file again")
