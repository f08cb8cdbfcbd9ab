"""Token ids of all distinct texts of a dataset, made once, in two flat arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.integer]
StoredIds = NDArray[np.uint16] | NDArray[np.uint32]
Encode = Callable[[Sequence[str]], list[TokenIds]]

_CHUNK = 2048  # texts tokenised at a time: enough for the tokenizer's threads, short enough for a lively bar


@dataclass(frozen=True, eq=False)
class TokenStore:
    """The token ids of n texts.

    ids: (total,) all texts' ids one after the other; uint16 where every id fits, else uint32.
    offsets: (n + 1,) int64, where each text begins in `ids`.
    truncated: how many texts were longer than they may be and were cut.
    """

    ids: StoredIds
    offsets: NDArray[np.int64]
    truncated: int = 0

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        encode: Encode,
        progress: Callable[[int], None] | None = None,
        max_length: int | None = None,
        count_tokens: Callable[[Sequence[str]], Sequence[int] | NDArray[np.int64]] | None = None,
    ) -> TokenStore:
        """Tokenise all texts, a chunk at a time.

        Args:
            encode: texts -> the ids of each, (length,) integers, already cut to the length limit.
            progress: called after each chunk with the number of texts just done.
            max_length: the limit that `encode` keeps; with `count_tokens` it lets cut texts be counted.
            count_tokens: texts -> tokens of each, uncut. Asked only about texts that fill `max_length`.
        """
        parts: list[StoredIds] = []
        lengths: list[int] = []
        truncated = 0
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            encoded = encode(chunk)
            parts.append(_flat(encoded))
            lengths += [len(ids) for ids in encoded]
            full = [text for text, ids in zip(chunk, encoded, strict=True) if len(ids) == max_length]
            if full and count_tokens and max_length:
                truncated += int((np.asarray(count_tokens(full)) > max_length).sum())
            if progress:
                progress(len(chunk))
        offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(_joined(parts), offsets, truncated)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) tokens of each text."""
        return np.diff(self.offsets)

    def gather(self, texts: NDArray[np.integer] | Sequence[int]) -> list[NDArray[np.int32]]:
        """The ids of some texts, each (length,) int32, in the order asked for. A text may be asked for twice."""
        starts, stops = self.offsets[:-1][texts].tolist(), self.offsets[1:][texts].tolist()
        return [self.ids[start:stop].astype(np.int32) for start, stop in zip(starts, stops, strict=True)]

    def flat(self, texts: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of some texts, (total,) int32, one text behind the other, and (len(texts),) the tokens of each.

        In the order asked for; a text may be asked for twice. No Python runs once a text, so that a step's thousands of
        texts cost what copying their ids costs.
        """
        lengths = self.lengths[texts]
        stops = np.cumsum(lengths)
        # Where in `ids` each wanted id is: its place in the result, moved by how far its text's start was moved.
        places = np.repeat(self.offsets[:-1][texts] - (stops - lengths), lengths)
        places += np.arange(len(places))
        return self.ids[places].astype(np.int32), lengths


def _flat(encoded: list[TokenIds]) -> StoredIds:
    """One array of a chunk's ids, in the narrowest type."""
    ids = np.concatenate(encoded)
    assert not ids.size or int(ids.min()) >= 0, "token ids are not negative"
    if ids.size and int(ids.max()) > np.iinfo(np.uint16).max:
        return ids.astype(np.uint32)
    return ids.astype(np.uint16)


def _joined(parts: list[StoredIds]) -> StoredIds:
    """One array of all chunks' ids; one wide chunk makes the whole wide."""
    if any(part.dtype == np.uint32 for part in parts):
        return np.concatenate([part.astype(np.uint32) for part in parts])
    return np.concatenate([np.empty(0, dtype=np.uint16), *(part.astype(np.uint16, copy=False) for part in parts)])
