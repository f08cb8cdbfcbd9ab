"""The pairs of a workload, written once to a file that both tools read from front to back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from workloads import Rows, Workload

_SPECIAL = 2  # tokens that an encoder puts around a text
_MEAN, _SIGMA, _LONGEST = 60.0, 0.8, 512  # of the lognormal lengths


def write_pairs(workload: Workload, data: Path, tokenizer: Tokenizer, target: Path, seed: int = 0) -> None:
    """`target`: JSON Lines with anchor and positive, `workload.count` rows, in an order drawn from the seed."""
    rows = workload.rows
    pairs = _made(rows, workload.count, tokenizer, seed) if rows.lengths else _read(rows, data, workload.count, seed)
    with target.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"anchor": a, "positive": p}, ensure_ascii=False) + "\n" for a, p in pairs)


def _read(rows: Rows, data: Path, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Rows of the file in random order; once more from the front, in another order, where it has too few."""
    left, right = rows.columns
    with gzip.open(data / rows.file, "rt", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    generator = np.random.default_rng(seed)
    orders = (generator.permutation(len(found)) for _ in range(-(-count // len(found))))
    numbers = (number for order in orders for number in order.tolist())
    return ((found[n][left], found[n][right]) for n in islice(numbers, count))


def _made(rows: Rows, count: int, tokenizer: Tokenizer, seed: int) -> Iterator[tuple[str, str]]:
    """Texts of words that are one token each, no two alike, of the lengths asked for."""
    words = np.asarray([word for word in tokenizer.get_vocab() if word.isalpha() and word.isascii() and len(word) > 2])
    generator = np.random.default_rng(seed)
    for lengths in zip(*(_lengths(rows, side, count, generator) for side in (0, 1)), strict=True):
        anchor, positive = (" ".join(generator.choice(words, max(1, length - _SPECIAL))) for length in lengths)
        yield anchor, positive


def _lengths(rows: Rows, side: int, count: int, generator: np.random.Generator) -> list[int]:
    if isinstance(rows.lengths, str):
        drawn = generator.lognormal(np.log(_MEAN) - _SIGMA**2 / 2, _SIGMA, count)
        return [int(length) for length in np.clip(drawn, 4, _LONGEST)]
    shortest, longest = rows.lengths[side]
    return [int(length) for length in generator.integers(shortest, longest + 1, count)]


def count_tokens(pairs: Path, tokenizer: Tokenizer, max_length: int | None, special: bool) -> int:
    """Real tokens of all texts of a file, each cut to `max_length`: what both tools have to work through.

    Args:
        special: with the tokens that an encoder puts around a text.
    """
    with pairs.open(encoding="utf-8") as file:
        texts = [text for line in file for text in json.loads(line).values()]
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if max_length is not None:
        tokenizer.enable_truncation(max_length)
    return sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts, add_special_tokens=special))
