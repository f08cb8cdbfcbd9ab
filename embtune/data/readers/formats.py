"""Which format and compression a file has. Its name decides, never its content."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath


class FileFormat(Enum):
    """The formats embtune reads."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    ARROW = "arrow"
    TXT = "txt"


class Compression(Enum):
    """How a file's bytes are packed."""

    NONE = ""
    GZIP = "gzip"
    ZSTD = "zstd"


EXTENSIONS = {
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSON,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.TSV,
    ".parquet": FileFormat.PARQUET,
    ".arrow": FileFormat.ARROW,
    ".feather": FileFormat.ARROW,
    ".txt": FileFormat.TXT,
}
COMPRESSIONS = {".gz": Compression.GZIP, ".zst": Compression.ZSTD}
READABLE = "jsonl, json, csv, tsv, parquet, arrow or txt, plain or with .gz or .zst"


@dataclass(frozen=True)
class FileKind:
    """What a file's name says about its content."""

    format: FileFormat
    compression: Compression


def compression_of(name: str) -> Compression:
    """`data.tsv.gz` -> GZIP."""
    return COMPRESSIONS.get(PurePath(name).suffix.lower(), Compression.NONE)


def file_kind(name: str) -> FileKind | None:
    """`data.jsonl.gz` -> (JSONL, GZIP); None where the extension is none that embtune reads."""
    path = PurePath(name)
    compression = compression_of(name)
    suffix = path.suffix if compression is Compression.NONE else PurePath(path.stem).suffix
    found = EXTENSIONS.get(suffix.lower())
    return FileKind(found, compression) if found else None
