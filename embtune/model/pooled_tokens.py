"""What pooling asks of the tokens of several texts, for the two ways in which they lie in memory.

Legend: B texts, T token slots of the longest text, N tokens of all texts, D width. Sums are taken in float32 or better.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from embtune.model.layers import at_least_float32


class PooledTokens(ABC):
    """Token vectors of B texts, and which of them are pooled. What is asked for is of those alone."""

    @property
    @abstractmethod
    def kept(self) -> Tensor:
        """1 for a token that is pooled, 0 for others; in the layout of the tokens, which is (B, T) or (N,)."""

    @property
    @abstractmethod
    def place(self) -> Tensor:
        """Each token's number in its text, from 0; it broadcasts with `kept`."""

    @abstractmethod
    def total(self, weights: Tensor) -> Tensor:
        """(B, 1) sums of weights in the layout of `kept`."""

    @abstractmethod
    def weighted_sum(self, weights: Tensor) -> Tensor:
        """(B, D) sums of weighted tokens; weights in the layout of `kept`, 0 for tokens that are not pooled."""

    @abstractmethod
    def largest(self) -> Tensor:
        """(B, D) the largest value in each dimension; zeros for a text with nothing to pool."""

    @abstractmethod
    def first(self) -> Tensor:
        """(B, D) the first token; zeros for a text with nothing to pool."""

    @abstractmethod
    def last(self) -> Tensor:
        """(B, D) the last token; zeros for a text with nothing to pool."""


class PaddedTokens(PooledTokens):
    """Texts as rows, padded on the right.

    Args:
        tokens: (B, T, D).
        mask: (B, T), 1 for a token and 0 for padding; None where there is no padding.
        skipped: (B,) tokens at the beginning of each text that are not pooled, or None.
    """

    def __init__(self, tokens: Tensor, mask: Tensor | None, skipped: Tensor | None) -> None:
        self._tokens = tokens
        kept = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device) if mask is None else mask.bool()
        self._kept = kept if skipped is None else kept & (self.place >= skipped[:, None])

    @property
    def kept(self) -> Tensor:
        """(B, T)."""
        return self._kept

    @property
    def place(self) -> Tensor:
        """(T,)."""
        return torch.arange(self._tokens.shape[1], device=self._tokens.device)

    def total(self, weights: Tensor) -> Tensor:
        """Along the rows."""
        return weights.sum(dim=1, keepdim=True)

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Along the rows."""
        tokens = at_least_float32(self._tokens)
        return (tokens * weights[..., None].to(tokens.dtype)).sum(dim=1)

    def largest(self) -> Tensor:
        """Along the rows."""
        largest = self._tokens.masked_fill(~self._kept[..., None], float("-inf")).amax(dim=1)
        return largest.masked_fill(~self._kept.any(dim=1, keepdim=True), 0.0)

    def first(self) -> Tensor:
        """By index."""
        return self._at(self._kept.int().argmax(dim=1))

    def last(self) -> Tensor:
        """By index."""
        from_the_end = self._kept.flip(1).int().argmax(dim=1)
        return self._at(self._kept.shape[1] - 1 - from_the_end)

    def _at(self, place: Tensor) -> Tensor:
        """(B, D) the token at `place` (B,), zeros where that token is not kept."""
        rows = torch.arange(len(self._tokens), device=self._tokens.device)
        return self._tokens[rows, place] * self._kept[rows, place, None]


class PackedTokens(PooledTokens):
    """Texts one behind the other, none of them empty.

    Sums go text by text and not by atomic additions, so that the same gives the same on a GPU too.

    Args:
        tokens: (N, D).
        bounds: (B + 1,) where each text begins, and N.
        skipped: (B,) tokens at the beginning of each text that are not pooled, or None.
    """

    def __init__(self, tokens: Tensor, bounds: Tensor, skipped: Tensor | None) -> None:
        self._tokens = tokens
        self._bounds = bounds.long()
        lengths = self._bounds.diff()
        texts = torch.arange(len(lengths), device=tokens.device)
        self._text = torch.repeat_interleave(texts, lengths, output_size=len(tokens))  # (N,), without asking the device
        self._skipped = torch.zeros_like(lengths) if skipped is None else skipped
        self._pools = self._skipped < lengths  # (B,) whether there is anything to pool

    @property
    def kept(self) -> Tensor:
        """(N,)."""
        return self.place >= self._skipped[self._text]

    @property
    def place(self) -> Tensor:
        """(N,)."""
        return torch.arange(len(self._tokens), device=self._tokens.device) - self._bounds[self._text]

    def total(self, weights: Tensor) -> Tensor:
        """Text by text; exact for whole numbers below 2^24."""
        return self._reduced(weights.float()[:, None], "sum")

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Text by text."""
        tokens = at_least_float32(self._tokens)
        return self._reduced(tokens * weights[:, None].to(tokens.dtype), "sum")

    def largest(self) -> Tensor:
        """Text by text."""
        tokens = at_least_float32(self._tokens).masked_fill(~self.kept[:, None], float("-inf"))
        return self._reduced(tokens, "max").masked_fill(~self._pools[:, None], 0.0)

    def first(self) -> Tensor:
        """By index."""
        return self._at(self._bounds[:-1] + self._skipped)

    def last(self) -> Tensor:
        """By index."""
        return self._at(self._bounds[1:] - 1)

    def _at(self, index: Tensor) -> Tensor:
        return self._tokens[index.clamp_max(len(self._tokens) - 1)] * self._pools[:, None]

    def _reduced(self, values: Tensor, how: str) -> Tensor:
        # "unsafe" skips a check of the bounds, which would wait for the device
        return torch.segment_reduce(values, how, offsets=self._bounds, axis=0, unsafe=True)
