"""Token ids of all distinct texts of a dataset: what a store gives, and the store that is whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.integer]
StoredIds = NDArray[np.unsignedinteger]
Texts = NDArray[np.integer] | Sequence[int]
Encode = Callable[[Sequence[str]], Sequence[TokenIds]]


@dataclass(frozen=True, eq=False)
class Tokenised:
    """What a tokenizer makes of n texts.

    ids: (total,) integer, one text behind the other. lengths: (n,) int64, tokens of each. cut: (n,) bool, which texts
    were longer than they may be.
    """

    ids: TokenIds
    lengths: NDArray[np.int64]
    cut: NDArray[np.bool_]


Tokenise = Callable[[Sequence[str]], Tokenised]


class TokenStore(ABC):
    """The token ids of n texts, by number. Some stores are still being filled: they wait for what is asked of them."""

    @staticmethod
    def build(texts: Sequence[str], encode: Encode) -> WholeStore:
        """The store of a few texts, made here and now.

        Args:
            encode: texts -> the ids of each, (length,) integers, not negative.
        """
        encoded = encode(texts)
        ids = np.concatenate([np.empty(0, dtype=np.int32), *encoded])
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        return WholeStore(ids.astype(narrowest(ids)), offsets_of(lengths))

    @abstractmethod
    def __len__(self) -> int:
        """How many texts it has, or has in the end."""

    @property
    @abstractmethod
    def is_whole(self) -> bool:
        """Whether all texts are there, so that nothing that is asked for has to be waited for."""

    @abstractmethod
    def whole(self) -> WholeStore:
        """The store with all texts in it, waited for.

        Raises:
            Exception: whatever the tokenizer raised on any of the texts, wherever it ran.
        """

    @abstractmethod
    def lengths_of(self, texts: Texts) -> NDArray[np.int64]:
        """(len(texts),) the tokens of each of these texts."""

    @abstractmethod
    def flat(self, texts: Texts) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of some texts, (total,) int32, one text behind the other, and (len(texts),) the tokens of each.

        In the order asked for; a text may be asked for twice. No Python runs once a text, so that a step's thousands of
        texts cost what copying their ids costs.
        """

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) tokens of each text; of all, waited for."""
        return np.diff(self.whole().offsets)

    def gather(self, texts: Texts) -> list[NDArray[np.int32]]:
        """The ids of some texts, each (length,) int32, as `flat` orders them."""
        ids, lengths = self.flat(texts)
        return np.split(ids, np.cumsum(lengths[:-1])) if len(lengths) else []


@dataclass(frozen=True, eq=False)
class WholeStore(TokenStore):
    """A store with all its texts, in memory or in a file mapped into it.

    ids: (total,) all texts' ids one after the other; uint16 where every id fits, else uint32.
    offsets: (n + 1,) int64, where each text begins in `ids`.
    truncated: how many texts were longer than they may be and were cut.
    """

    ids: StoredIds
    offsets: NDArray[np.int64]
    truncated: int = 0

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def is_whole(self) -> bool:
        """Always."""
        return True

    def whole(self) -> WholeStore:
        """Itself."""
        return self

    def lengths_of(self, texts: Texts) -> NDArray[np.int64]:
        """See the base class."""
        return self.offsets[1:][texts] - self.offsets[:-1][texts]

    def flat(self, texts: Texts) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """See the base class."""
        lengths = self.lengths_of(texts)
        return taken(self.ids, self.offsets[:-1][texts], lengths).astype(np.int32), lengths


def taken(ids: StoredIds, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> StoredIds:
    """(total,) the pieces of `ids` that begin at `starts` and have these lengths, one behind the other."""
    stops = np.cumsum(lengths)
    # Where in `ids` each wanted id is: its place in the result, moved by how far its text's start was moved.
    places = np.repeat(starts - (stops - lengths), lengths)
    places += np.arange(len(places))
    found: StoredIds = ids[places]
    return found


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n + 1,) int64: where each of n pieces begins when they lie one behind the other, and where the last ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def narrowest(ids: TokenIds) -> np.dtype[np.unsignedinteger]:
    """uint16 where it holds all of these ids, else uint32."""
    assert not ids.size or int(ids.min()) >= 0, "token ids are not negative"
    wide = bool(ids.size) and int(ids.max()) > np.iinfo(np.uint16).max
    return np.dtype(np.uint32) if wide else np.dtype(np.uint16)
