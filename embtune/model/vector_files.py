"""Vectors on disk: written once, beside and then renamed, and mapped into memory ever after.

A folder holds `vectors.bin`, little-endian float32 row after row, and `manifest.json` with its shape and checksum.
Nothing in it is code, and a folder that is not whole counts as none.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from embtune.errors import RunError
from embtune.files import directory_beside, writing

_VECTORS, _MANIFEST = "vectors.bin", "manifest.json"
_STORED = np.dtype("<f4")
_READ_AT_ONCE = 1 << 24  # bytes


def name_for(decided_by: object, texts: Iterable[str]) -> str:
    """A folder's name: 32 hexadecimal digits of texts, in their order, and of what else decides vectors, as JSON."""
    digest = blake2b(json.dumps(decided_by).encode(), digest_size=16)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.hexdigest()


def read_vectors(folder: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """(N, D) float32 as `write_vectors` left them, read-only; None where there are none, or other or damaged ones.

    Reads all of them once, to hold them against their checksum.
    """
    path = folder / _VECTORS
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["shape"] != list(shape) or path.stat().st_size != shape[0] * shape[1] * _STORED.itemsize:
            return None
        return np.memmap(path, _STORED, mode="r", shape=shape) if manifest["checksum"] == _checksum(path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept_vectors(
    folder: Path,
    shape: tuple[int, int],
    parts: Iterator[np.ndarray],
    about: str,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """(N, D) the vectors in `folder`, which are written first, from their parts, where they are not there.

    Args:
        progress: called with the number of vectors where they are there; whoever makes the parts tells of them.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    with alone_at(folder):
        found = read_vectors(folder, shape)
        if found is not None:
            if progress:
                progress(shape[0])
            return found
        write_vectors(folder, shape, parts, about)
        written = read_vectors(folder, shape)
    assert written is not None, f"{folder} was written a moment ago"
    return written


def write_vectors(folder: Path, shape: tuple[int, int], parts: Iterable[np.ndarray], about: str) -> None:
    """Write (N, D) vectors that come in parts of some rows each; only one part is held in memory.

    Args:
        folder: replaced as a whole, when all is written.
        about: what they are of, for people who look into the folder.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    digest = blake2b(digest_size=16)
    with directory_beside(folder) as beside:
        with (beside / _VECTORS).open("wb") as stream:
            for part in parts:
                rows = part.astype(_STORED, copy=False).tobytes()
                digest.update(rows)
                stream.write(rows)
        manifest = {"about": about, "shape": list(shape), "checksum": digest.hexdigest()}
        (beside / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class VectorParts:
    """Vectors in several folders, each as `write_vectors` left it.

    shape: of all of them together. rows: of each part but the last.
    """

    folders: tuple[Path, ...]
    shape: tuple[int, int]
    rows: int

    def __iter__(self) -> Iterator[np.ndarray]:
        """Part after part, read-only; a part is mapped into memory only until the next one is asked for.

        Raises:
            RunError: a part is gone, or damaged.
        """
        for number, folder in enumerate(self.folders):
            count = min(self.rows, self.shape[0] - number * self.rows)
            found = read_vectors(folder, (count, self.shape[1]))
            if found is None:
                message = f"the vectors in {folder} were deleted or damaged while they were in use"
                raise RunError.of("no-vectors", message, "The same command makes them again.")
            yield found


@contextmanager
def alone_at(folder: Path) -> Iterator[None]:
    """Wait until no other process is at `folder`, and keep others waiting inside; where there are no locks, do not.

    Raises:
        RunError: the place is not to be written to.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back, as the end of the process would


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return  # the file system knows no locks: two writers at a time do the work twice, and the last one stays


def _checksum(path: Path) -> str:
    digest = blake2b(digest_size=16)
    with path.open("rb") as stream:
        while part := stream.read(_READ_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()
