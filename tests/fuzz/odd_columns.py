"""Parquet, Arrow and feather files with columns of every type that Arrow knows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
from hypothesis import strategies as st
from odd_rows import NAMES, Row, tables


def _columns(rows: Sequence[Row]) -> pa.Table:
    """The rows as Arrow has them: columns that Arrow cannot type become columns of other types."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names} or {"text": ["a"]})


def _column(values: list[object]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError, ValueError):
        return pa.array([str(value).encode("utf-8", "replace") for value in values])


ODD_COLUMNS = st.sampled_from([
    pa.array([datetime(1, 1, 1), None]), pa.array([Decimal("1.5"), Decimal("2")]),
    pa.array(["a", "b"]).dictionary_encode(),
    pa.array([b"a\xff", b""]), pa.array([{"a": 1}, None]), pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
    pa.nulls(2), pa.array([1, 2], pa.duration("ns")), pa.array([2**62, -(2**62)], pa.timestamp("s")),
    pa.array([2**40, 1], pa.date64()),
    pa.array([0, 2**62], pa.time64("ns")), pa.array([1.5, 2.5], pa.float16()),
    pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    pa.array(["x", "y"], pa.large_string()), pa.array(["x", "y"], pa.string_view()),
    pa.array([2**64 - 1, 0], pa.uint64()),
    pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array(["a", "b"]), pa.array([1, 2])]),
    pa.array([2**63 - 1, 0], pa.timestamp("ns", tz="Europe/Berlin")), pa.RunEndEncodedArray.from_arrays([2], ["a"]),
    pa.array([1, 2], pa.timestamp("s", tz="No/Such")), pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
])  # fmt: skip


@st.composite
def columnar(draw: st.DrawFn) -> tuple[str, bytes]:
    """A parquet, Arrow or feather file."""
    table = _columns(draw(tables()))
    if draw(st.booleans()):
        odd = {draw(NAMES): draw(ODD_COLUMNS) for _ in range(draw(st.integers(1, 2)))}
        table = pa.table({"anchor": ["a", "b"], "positive": ["c", "d"], **odd})
    kind = draw(st.sampled_from(["parquet", "arrow", "stream", "feather"]))
    sink = io.BytesIO()
    try:
        _write_columns(table, kind, sink)
    except (pa.ArrowException, OverflowError, ValueError):
        return "data.arrow", b"ARROW1"
    return f"data.{'arrow' if kind == 'stream' else kind}", sink.getvalue()


def _write_columns(table: pa.Table, kind: str, sink: io.BytesIO) -> None:
    if kind == "parquet":
        pq.write_table(table, sink)
    elif kind == "feather":
        feather.write_feather(table, sink)
    else:
        make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with make(sink, table.schema) as writer:
            writer.write_table(table)
