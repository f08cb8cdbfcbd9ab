"""Open a file for reading: decompression, and every failure as a located `DataError`."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from embtune.data.readers.formats import Compression
from embtune.data.row import RowMaker, stop
from embtune.errors import Location

WHOLE_LIMIT = 512 << 20  # bytes, decompressed, of a file that is read whole
_PART = 1 << 20
_CHUNK = 1 << 16  # bytes of compressed input read at a time
_MAGIC = {
    b"\x1f\x8b": "is gzip data: give the file a name that ends in .gz",
    b"\x28\xb5\x2f\xfd": "is zstandard data: give the file a name that ends in .zst",
    b"PAR1": "is parquet data: give the file a name that ends in .parquet",
    b"ARROW1": "is Arrow data: give the file a name that ends in .arrow",
    b"\xff\xfe": "is UTF-16 text: convert it with  iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "is UTF-16 text: convert it with  iconv -f UTF-16 -t UTF-8",
}


@contextmanager
def open_bytes(path: Path, compression: Compression, name: str) -> Iterator[BinaryIO]:
    """The decompressed bytes of a file, buffered.

    Args:
        name: the path as messages show it.

    Raises:
        DataError: the file cannot be opened, or a read inside the block finds it damaged or cut off.
    """
    with file_errors(name), open(path, "rb", opener=_open_at_once) as raw:
        if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
            stop("not-a-file", "this is a pipe or a device", Location(name), "write its content into a file first")
        yield _decompressed(raw, compression)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for somebody to write into a pipe; for a file it means nothing."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def read_whole(stream: BinaryIO, maker: RowMaker, remedy: str) -> bytes:
    """All bytes of a file that can only be read as a whole, as far as memory is to be spent on that.

    Raises:
        DataError: there are more than `WHOLE_LIMIT`, as a small compressed file may hold.
    """
    parts, size = [], 0
    while part := stream.read(_PART):
        parts.append(part)
        size += len(part)
        if size > WHOLE_LIMIT:
            message = f"it holds more than {WHOLE_LIMIT >> 20} MiB, too much to be read whole"
            stop("too-large", message, Location(maker.path), remedy)
    return b"".join(parts)


def _decompressed(raw: BinaryIO, compression: Compression) -> BinaryIO:
    if compression is Compression.GZIP:
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))  # buffered inside
    if compression is Compression.ZSTD:
        return io.BufferedReader(_ZstdStream(raw), buffer_size=_CHUNK)
    return raw


@contextmanager
def file_errors(name: str) -> Iterator[None]:
    """Turn what the operating system and the decompressors raise into a `DataError` that names the file."""
    where = Location(name)
    again = "copy or download the file again; `gzip -t` or `zstd -t` tests it"
    try:
        yield
    except EOFError:
        stop("truncated-file", "the compressed data ends too early: the file is cut off", where, again)
    except (gzip.BadGzipFile, zlib.error) as error:
        stop("corrupt-file", f"this is no sound gzip file ({error})", where, again)
    except _BadZstdError as error:
        stop("corrupt-file", f"this is no sound zstandard file ({error})", where, again)
    except OSError as error:
        reason = error.strerror or str(error)
        stop("unreadable-file", f"the file cannot be read: {reason}", where, "check its permissions and its disk")


def guess_content(head: bytes) -> str | None:
    """What bytes that are no UTF-8 text look like, as the end of a sentence that starts with "it"."""
    return next((meaning for magic, meaning in _MAGIC.items() if head.startswith(magic)), None)


class _BadZstdError(Exception):
    """The bytes are no zstandard frame."""


class _ZstdStream(io.RawIOBase):
    """Decompress all frames of a zstandard file, and notice a cut-off one, which zstandard's own reader does not."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard  # here, so that nothing else pays for it

        self._raw = raw
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._error = zstandard.ZstdError
        self._inside = False  # a frame has begun and not ended
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with at least one byte; 0 at the end of the file."""
        while not self._output:
            self._input = self._input or self._raw.read(_CHUNK)
            if not self._input:
                if self._inside:
                    raise EOFError
                return 0
            self._output = memoryview(self._advance())
        count = min(len(buffer), len(self._output))
        buffer[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def _advance(self) -> bytes:
        if not self._inside:
            self._frame = self._decompressor.decompressobj()
        try:
            output = self._frame.decompress(self._input)
        except self._error as error:
            raise _BadZstdError(str(error)) from error
        self._inside = not self._frame.eof
        self._input = self._frame.unused_data if self._frame.eof else b""
        return output
