"""Damaged texts, for losses that rebuild the original: the noises of the TSDAE paper.

Paper: Wang, Reimers, Gurevych 2021, arXiv:2104.06979, which found deletion of 60 % of the words best.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embtune.catalog.choices import Noise

# A word with the blanks after it. Scripts that put no blanks between words count by the character.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"(?:[{_UNSPACED}]|[^\s{_UNSPACED}]+)\s*")


@dataclass(frozen=True)
class NoiseSettings:
    """Which noise, and the share of words it touches, 0 to 1."""

    kind: Noise = Noise.DELETE
    ratio: float = 0.6


def damaged(text: str, settings: NoiseSettings, rng: np.random.Generator, others: Sequence[str], mask: str) -> str:
    """`text` with about `ratio` of its words touched. A text of one word or none comes back as it is.

    Args:
        rng: draws everything; equal states give equal texts.
        others: texts that foreign words come from, at least one.
        mask: stands for a masked word.
    """
    words = _WORD.findall(text)
    if len(words) < 2:
        return text
    touched = rng.random(len(words)) < settings.ratio
    match settings.kind:
        case Noise.DELETE:
            words = _without(words, touched, rng)
        case Noise.MASK:
            words = [_like(word, mask) if hit else word for word, hit in zip(words, touched, strict=True)]
        case Noise.REPLACE:
            words = [_foreign(word, others, rng) if hit else word for word, hit in zip(words, touched, strict=True)]
        case Noise.ADD:
            added = [
                (word, _foreign(word, others, rng)) if hit else (word,)
                for word, hit in zip(words, touched, strict=True)
            ]
            words = [_spaced(word) for group in added for word in group]
        case Noise.SWAP:
            words = _swapped(words, touched, rng)
    return "".join(words).strip()


def _without(words: list[str], touched: np.ndarray, rng: np.random.Generator) -> list[str]:
    if touched.all():  # an empty text says nothing about its original
        touched[rng.integers(len(words))] = False
    return [word for word, hit in zip(words, touched, strict=True) if not hit]


def _swapped(words: list[str], touched: np.ndarray, rng: np.random.Generator) -> list[str]:
    places = np.flatnonzero(touched)
    order = np.arange(len(words))
    order[places] = rng.permutation(places)
    return [_spaced(words[place]) for place in order.tolist()]


def _foreign(word: str, others: Sequence[str], rng: np.random.Generator) -> str:
    """A word of some other text, spaced like `word`; `word` itself where that text has none."""
    found = _WORD.findall(others[int(rng.integers(len(others)))])
    return _like(word, found[int(rng.integers(len(found)))].strip()) if found else word


def _like(word: str, other: str) -> str:
    """`other` with the blanks that follow `word`."""
    return other + word[len(word.rstrip()) :]


def _spaced(word: str) -> str:
    """`word` with a blank after it, unless it is one character of an unspaced script, which may do without."""
    return word if word[-1].isspace() or re.fullmatch(f"[{_UNSPACED}]", word) else f"{word} "
