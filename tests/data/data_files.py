"""Write small data files of every format and compression."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import zstandard

TextRow = Mapping[str, str]


def write_table(path: Path, rows: Sequence[TextRow]) -> Path:
    """Write rows in the format and compression that the name says, by libraries other than the readers under test."""
    plain = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    if plain.suffix in (".parquet", ".arrow", ".feather"):
        _write_arrow(plain, rows)
    else:
        plain.write_text(_text(plain.suffix, rows), encoding="utf-8", newline="")
    if plain != path:
        compress(path, plain.read_bytes())
        plain.unlink()
    return path


def compress(path: Path, content: bytes) -> None:
    """Write content under a name that ends in .gz or .zst."""
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else zstandard.compress(content))


def write_lines(path: Path, *rows: object) -> Path:
    """JSON Lines of any values."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _write_arrow(path: Path, rows: Sequence[TextRow]) -> None:
    table = pa.Table.from_pylist([dict(row) for row in rows])
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=2)
    elif path.suffix == ".feather":
        feather.write_feather(table, str(path))
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)


def _text(suffix: str, rows: Sequence[TextRow]) -> str:
    if suffix == ".json":
        return json.dumps(list(rows), ensure_ascii=False, indent=1)
    if suffix == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if suffix == ".txt":
        return "".join(row["text"] + "\n" for row in rows)
    return _delimited(rows, "\t" if suffix == ".tsv" else ",")


def _delimited(rows: Sequence[TextRow], separator: str) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
