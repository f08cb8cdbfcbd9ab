"""The texts of very many rows as 64-bit numbers, equal where texts are, so that repeats are found in bounded memory.

Legend: N rows.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embtune.data.places import Places
from embtune.errors import Location

# kept, at eight bytes a role and sixteen for the rest; rows behind them are looked at for their cells only
MOST_ROWS = 1 << 22
LIST = "list"  # the texts of a list of negatives, all together
_ABSENT = 0
_WORDS = re.compile(r"\w+")
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RowHashes:
    """The first `MOST_ROWS` good rows of a dataset.

    texts: role -> (N,) int64, one number a text, 0 where a row lacks it; a list of negatives is one, under `LIST`.
    near: (N,) int64, of the first role's text in its `plain_form`.
    places: where the rows stand.
    is_whole: whether these are all rows.
    """

    texts: Mapping[str, Numbers]
    near: Numbers
    places: Places
    is_whole: bool

    def __len__(self) -> int:
        return len(self.near)

    def rows(self) -> Numbers:
        """(N,) int64, equal where all texts of two rows are."""
        whole = np.zeros(len(self), dtype=np.int64)
        for values in self.texts.values():
            whole = whole * np.int64(1_000_003) + values  # wraps, as it should
        return whole


class HashCollector:
    """Takes the texts of rows one by one."""

    def __init__(self, roles: Sequence[str]) -> None:
        self._single = roles
        self._texts = {role: array("q") for role in (*roles, LIST)}
        self._near = array("q")
        self._paths: dict[str, int] = {}
        self._file, self._line = array("i"), array("i")
        self._is_whole = True

    def add(self, texts: Sequence[str | None], place: Location) -> None:
        """Keep the texts of a row: those of the single roles, then those of its list."""
        if len(self._near) >= MOST_ROWS:
            self._is_whole = False
            return
        for role, text in zip(self._single, texts, strict=False):
            self._texts[role].append(_ABSENT if text is None else hash(text))
        listed = texts[len(self._single) :]
        if listed:
            self._texts[LIST].append(hash(tuple(listed)))
        self._near.append(hash(plain_form(texts[0] or "")))
        self._file.append(self._paths.setdefault(place.path, len(self._paths)))
        self._line.append(place.line or 0)

    def hashes(self) -> RowHashes:
        """Everything that was kept; nothing may be added after."""
        places = Places(tuple(self._paths), _int32(self._file), _int32(self._line))
        texts = {role: _int64(values) for role, values in self._texts.items() if len(values)}
        return RowHashes(texts, _int64(self._near), places, self._is_whole)


def plain_form(text: str) -> str:
    """The words of a text, whatever their case and width and what spaces and punctuation stand between them."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(_WORDS.findall(folded.casefold())) or text


def _int64(values: array[int]) -> Numbers:
    return np.frombuffer(values, dtype=np.int64) if len(values) else np.empty(0, dtype=np.int64)


def _int32(values: array[int]) -> NDArray[np.int32]:
    return np.frombuffer(values, dtype=np.intc).astype(np.int32) if len(values) else np.empty(0, dtype=np.int32)
