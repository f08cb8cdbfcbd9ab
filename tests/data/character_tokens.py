"""A real little tokenizer for tests of stores: a token a character, cut at a limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embtune.data.tokens import Tokenised

LIMIT = 5


def tokenised(texts: Sequence[str]) -> Tokenised:
    """The characters of the texts, five of each at most."""
    cut = np.array([len(text) > LIMIT for text in texts], dtype=np.bool_)
    lengths = np.array([min(len(text), LIMIT) for text in texts], dtype=np.int64)
    return Tokenised(np.array([ord(c) for text in texts for c in text[:LIMIT]], dtype=np.int32), lengths, cut)


class Counting:
    """`tokenised`, and which texts it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Tokenised:
        """See `tokenised`."""
        self.asked += texts
        return tokenised(texts)


def texts(count: int) -> list[str]:
    """Different texts of 1 to 9 characters."""
    return [f"{number}" + "x" * (number % 5) for number in range(count)]
