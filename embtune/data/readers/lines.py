"""Lines of text, numbered, decoded as UTF-8 and bounded in length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from embtune.data.readers.streams import guess_content

LINE_LIMIT = 64 << 20  # bytes; a longer line is a file without line ends, not a text
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is no text."""

    code: str
    message: str
    hint: str
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end. `text` is best effort where there is a fault: bytes that are no UTF-8 are surrogates."""

    number: int
    text: str
    fault: Fault | None = None


def read_lines(stream: BinaryIO, limit: int = LINE_LIMIT) -> Iterator[Line]:
    r"""All lines of a file. Only `\n` ends a line; a byte-order mark at the start is dropped."""
    offset, number = 0, 0
    while raw := stream.readline(limit + 1):
        number += 1
        if len(raw) > limit:
            yield Line(number, "", _too_long(limit))
            offset += len(raw) + _skip_line(stream, raw)
            continue
        yield _decode(raw.removeprefix(_BOM) if number == 1 else raw, number, offset)
        offset += len(raw)


def _skip_line(stream: BinaryIO, part: bytes) -> int:
    """Read on to the end of the line that `part` begins; the number of bytes read."""
    skipped = 0
    while part and not part.endswith(b"\n"):
        part = stream.readline(1 << 20)
        skipped += len(part)
    return skipped


def _too_long(limit: int) -> Fault:
    size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
    return Fault("long-line", f"the line is longer than {size}", "is this a text file with one row a line?")


def _decode(raw: bytes, number: int, offset: int) -> Line:
    try:
        return Line(number, raw.decode())
    except UnicodeDecodeError as error:
        return Line(number, raw.decode(errors="surrogateescape"), encoding_fault(raw, error, offset, first=number == 1))


def encoding_fault(raw: bytes, error: UnicodeDecodeError, offset: int, first: bool) -> Fault:
    """The fault of bytes that are no UTF-8.

    Args:
        raw: the bytes, which begin at byte `offset` of the file.
        first: they are the start of the file, so that a known beginning can be recognised.
    """
    place = f"byte {offset + error.start} (0x{raw[error.start]:02x}) is not valid UTF-8"
    if first and (guess := guess_content(raw)):
        return Fault("wrong-encoding", f"{place}: the file {guess}", "embtune reads UTF-8 text")
    hint = "convert the file, for instance with  iconv -f CP1252 -t UTF-8 FILE"
    return Fault("wrong-encoding", place, hint, len(raw[: error.start].decode(errors="replace")) + 1)
