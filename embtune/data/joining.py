"""One file out of several of the same format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embtune.data.readers.formats import FileFormat, file_kind
from embtune.data.rows import read_rows
from embtune.data.writing import row_writer
from embtune.errors import Problem, UsageError
from embtune.files import file_beside


def join_parts(parts: Sequence[Path], out: Path) -> None:
    """Write the rows of all parts, in order, into one file, in one piece. One part is held at a time.

    Args:
        parts: at least one, as `row_writer` writes them.
        out: of the same format, compressed or not.

    Raises:
        UsageError: a column has types in two parts that no type holds both of. RunError: the disk is full.
    """
    kind = file_kind(out.name)
    if kind and kind.format is FileFormat.PARQUET:
        _join_parquet(parts, out)
        return
    with row_writer(out) as sink:
        for part in parts:
            for row in read_rows(str(part)):
                sink.write(row.values)


def _join_parquet(parts: Sequence[Path], out: Path) -> None:
    """Tables are copied as they are, so that numbers keep their width."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pa.unify_schemas([pq.read_schema(part) for part in parts], promote_options="permissive")
        with file_beside(out) as beside, pq.ParquetWriter(beside, schema) as writer:
            for part in parts:
                writer.write_table(pq.read_table(part, schema=schema))
    except pa.ArrowException as error:
        message = f"a column has values of several types: {str(error).splitlines()[0]}"
        raise UsageError(Problem("cannot-hold", message, None, "choose a name that ends in .jsonl")) from error
