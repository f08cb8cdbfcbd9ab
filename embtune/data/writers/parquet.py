"""Parquet, in groups of rows, so that memory does not grow with the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from embtune.data.writers.sink import RowSink, Values
from embtune.data.writers.table import Header
from embtune.errors import Problem, UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_GROUP = 8192  # rows held, and written together


class ParquetSink(RowSink):
    """Writes rows whose columns have one type each, the one that they have in the first group."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._header = Header()
        self._held: list[Values] = []
        self._writer: pq.ParquetWriter | None = None

    def put(self, row: Values) -> None:
        """Hold a row; the group is written when it is full."""
        self._header.check(row)
        self._held.append(row)
        if len(self._held) == _GROUP:
            self._flush()

    def finish(self) -> None:
        """Write the last group, which may be empty, and the footer."""
        self._flush()
        assert self._writer is not None, "the flush made it"
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            columns = {name: [row.get(name) for row in self._held] for name in self._header.columns}
            self._writer = self._writer or pq.ParquetWriter(self._stream, _types(pa.table(columns)))
            self._writer.write_table(pa.table(columns, schema=self._writer.schema))
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            message = f"a column has values of several types, or one that parquet has not: {reason}"
            raise UsageError(Problem("cannot-hold", message, None, "choose a name that ends in .jsonl")) from error
        self._held = []


def _types(table: pa.Table) -> pa.Schema:
    """The table's types; a column of nulls alone is one of texts, for later rows may have some."""
    import pyarrow as pa

    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in table.schema]
    return pa.schema(fields)
