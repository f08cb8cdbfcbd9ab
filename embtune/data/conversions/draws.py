"""Random draws that depend on a seed and on texts alone: whatever the order of the rows, the same is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

_BYTES = 8


class Draws:
    """Numbers and orders that look random and are functions of seed and texts."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(_BYTES, "little")

    def number(self, *texts: str) -> int:
        """A number from 0 to 2 ** 64 - 1, uniform over texts. The order of the texts counts."""
        digest = blake2b(digest_size=_BYTES, key=self._key)
        for text in texts:
            encoded = text.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(_BYTES, "little"))
            digest.update(encoded)
        return int.from_bytes(digest.digest(), "little")

    def shuffled(self, ids: Iterable[int], texts: Sequence[str], *salt: str) -> list[int]:
        """Ids of texts in random order.

        Args:
            texts: by id; distinct.
            salt: what the order is for; another salt gives another order.
        """
        return sorted(ids, key=lambda each: self.number(*salt, texts[each]))

    def offsets(self, size: int, count: int, *salt: str) -> list[int]:
        """At most `count` different numbers from 1 to `size` - 1: steps around a circle of that many."""
        numbers = sorted(range(1, size), key=lambda each: self.number(*salt, str(each)))
        return numbers[:count]


def spread(size: int, start: int, count: int) -> Iterator[int]:
    """At most `count` different indices below `size`, evenly apart, from the index that the number `start` falls on."""
    count = min(size, count)
    return ((start + each * (size // count)) % size for each in range(count))
