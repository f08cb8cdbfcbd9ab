"""Many texts, each once, on the disk: what is held in memory is a few numbers a text.

Texts that differ in white space or case only count as one; the first spelling stays.

Legend: N texts.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import IO, overload

import numpy as np
from numpy.typing import NDArray

from embtune.files import writing

_ADDED_AT_ONCE = 4096  # texts
Identities = NDArray[np.uint64]


def identity(text: str) -> int:
    """A number that two texts share which say the same: white space and case aside.

    Two of ten million different texts share one with a probability of 3 in a million.
    """
    said = " ".join(text.split()).casefold()
    return int.from_bytes(blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def identities(texts: Iterable[str]) -> Identities:
    """(N,) the number of each text."""
    return np.fromiter(map(identity, texts), dtype=np.uint64)


class DistinctTexts(Sequence[str]):
    """Texts in the order in which they were first added.

    Args:
        stream: an empty file to read and write, which nothing else reads or writes.
        place: where it is, for messages.
    """

    def __init__(self, stream: IO[bytes], place: Path) -> None:
        self._stream = stream
        self._place = place
        self._ends = array("q", [0])  # bytes; text i is from _ends[i] to _ends[i + 1]
        self._sorted: Identities = np.empty(0, dtype=np.uint64)
        self._position: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # of the text of each of `_sorted`

    def extend(self, texts: Iterable[str]) -> None:
        """Add those that are not there yet.

        Raises:
            RunError: the disk is full.
        """
        rest = iter(texts)
        while part := list(islice(rest, _ADDED_AT_ONCE)):
            with writing(self._place):
                self._add(part)

    def positions(self, sought_N: Identities) -> NDArray[np.int64]:
        """(N,) the number of the text of each identity; -1 where there is none."""
        if not len(self._sorted):
            return np.full(len(sought_N), -1)
        places_N = np.minimum(np.searchsorted(self._sorted, sought_N), len(self._sorted) - 1)
        return np.where(self._sorted[places_N] == sought_N, self._position[places_N], -1)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        self._stream.flush()
        if isinstance(index, slice):
            return [self._read(place) for place in range(*index.indices(len(self)))]
        return self._read(range(len(self))[index])

    def _read(self, place: int) -> str:
        start, end = self._ends[place], self._ends[place + 1]
        return os.pread(self._stream.fileno(), end - start, start).decode("utf-8", "surrogatepass")

    def _add(self, texts: list[str]) -> None:
        found_N = identities(texts)
        first_N = np.zeros(len(texts), dtype=bool)
        first_N[np.unique(found_N, return_index=True)[1]] = True
        new = np.flatnonzero(first_N & (self.positions(found_N) < 0))
        self._remember(found_N[new], len(self) + np.arange(len(new)))
        for place in new.tolist():
            encoded = texts[place].encode("utf-8", "surrogatepass")
            self._stream.write(encoded)
            self._ends.append(self._ends[-1] + len(encoded))

    def _remember(self, new_N: Identities, positions_N: NDArray[np.int64]) -> None:
        """Merge, in order, into what is sorted already."""
        order_N = np.argsort(new_N)
        places_N = np.searchsorted(self._sorted, new_N[order_N])
        self._sorted = np.insert(self._sorted, places_N, new_N[order_N])
        self._position = np.insert(self._position, places_N, positions_N[order_N])


@contextmanager
def distinct_texts(folder: Path) -> Iterator[DistinctTexts]:
    """An empty store in a file without a name in `folder`, which is gone with the process, however that ends.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    with ExitStack() as stack:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stream: IO[bytes] = stack.enter_context(tempfile.TemporaryFile(dir=folder, buffering=1 << 20))
        yield DistinctTexts(stream, folder)
