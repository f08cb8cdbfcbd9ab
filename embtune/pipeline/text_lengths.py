"""How long texts are, in tokens: counted where the tokenizer is at hand, estimated from their words where it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embtune.data.examples import Examples
from embtune.model.tokenizer import TextTokenizer

_LOOKED_AT = 2000  # texts of a role, spread over all of them
_TOKENS_A_WORD, _BYTES_A_TOKEN = 1.4, 6  # the latter for scripts that part no words by spaces


@dataclass(frozen=True)
class Lengths:
    """Of the texts of one role, in tokens: that of half of them, of 95 of 100, and of the longest, at most."""

    role: str
    half: int
    most: int
    longest: int

    def __str__(self) -> str:
        """`anchor: half of the texts have up to 12 tokens, 95 of 100 up to 20, the longest 41`."""
        spread = f"half of the texts have up to {self.half:,} tokens, 95 of 100 up to {self.most:,}"
        return f"{self.role}: {spread}, the longest {self.longest:,}"


def lengths_by_role(texts: Mapping[str, Sequence[str]], tokenizer: TextTokenizer | None) -> tuple[Lengths, ...]:
    """The lengths of each role's texts.

    Args:
        tokenizer: the model's; None estimates.
    """
    found = []
    for role, of_role in texts.items():
        chosen = of_role[:: max(1, len(of_role) // _LOOKED_AT)]
        counts = np.array(_tokens(chosen, tokenizer))
        half, most, longest = np.percentile(counts, (50, 95, 100), method="higher").tolist()
        found.append(Lengths(role, int(half), int(most), int(longest)))
    return tuple(found)


def texts_by_role(examples: Examples) -> dict[str, list[str]]:
    """The distinct texts of each role; all negatives are one role."""
    found = {}
    for name, roles in _together(examples.roles).items():
        ids = np.unique(np.concatenate([examples.text_ids[role] for role in roles]))
        found[name] = [examples.texts[number] for number in ids[ids >= 0].tolist()]
    return found


def _together(roles: Sequence[str]) -> dict[str, list[str]]:
    """The roles by what they are called without a number."""
    named: dict[str, list[str]] = {}
    for role in roles:
        named.setdefault(role.partition("_")[0] if role[-1].isdigit() else role, []).append(role)
    return named


def _tokens(texts: Sequence[str], tokenizer: TextTokenizer | None) -> Sequence[int]:
    if tokenizer is not None:
        return [int(length) for length in tokenizer.encode_flat(texts, None)[1]]
    return [round(max(_TOKENS_A_WORD * len(text.split()), len(text.encode()) / _BYTES_A_TOKEN)) + 2 for text in texts]
