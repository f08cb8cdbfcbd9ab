"""From token embeddings to one vector: the six modes of Sentence Transformers.

Legend: B texts, T token slots (padded on the right), N tokens of all texts, D width. Sums are taken in float32 or
better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from embtune.model.layers import at_least_float32
from embtune.model.pooled_tokens import PackedTokens, PaddedTokens, PooledTokens
from embtune.model.words import PoolingMode

SMALLEST_SUM = 1e-9  # what a sum of weights is divided by where no token is left


class Pooling(nn.Module):
    """One vector a text, the modes side by side in the given order.

    Args:
        modes: at least one.
        include_prompt: False leaves a prompt's tokens out of the vector (they are still attended to).
    """

    def __init__(self, modes: Sequence[PoolingMode], include_prompt: bool = True) -> None:
        super().__init__()
        self.modes = tuple(modes)
        self.include_prompt = include_prompt

    def forward(self, tokens: Tensor, mask: Tensor | None, prompt_lengths: Tensor | None) -> Tensor:
        """Pool padded texts.

        Args:
            tokens: (B, T, D).
            mask: (B, T), 1 for a token and 0 for padding; None where there is no padding.
            prompt_lengths: (B,) tokens of the prompt, special tokens before it included; None for no prompts.

        Returns:
            (B, D * number of modes), float32 or better. A text with nothing left to pool gives zeros.
        """
        return self._pooled(PaddedTokens(tokens, mask, None if self.include_prompt else prompt_lengths))

    def packed(self, tokens: Tensor, bounds: Tensor, prompt_lengths: Tensor | None) -> Tensor:
        """The same for texts that lie one behind the other.

        Args:
            tokens: (N, D).
            bounds: (B + 1,) where each text begins, and N.
            prompt_lengths: as above.
        """
        return self._pooled(PackedTokens(tokens, bounds, None if self.include_prompt else prompt_lengths))

    def _pooled(self, tokens: PooledTokens) -> Tensor:
        return torch.cat([at_least_float32(MODES[mode](tokens)) for mode in self.modes], dim=-1)


def _mean(tokens: PooledTokens) -> Tensor:
    return tokens.weighted_sum(tokens.kept) / tokens.total(tokens.kept).clamp_min(SMALLEST_SUM)


def _mean_sqrt_len(tokens: PooledTokens) -> Tensor:
    return tokens.weighted_sum(tokens.kept) / tokens.total(tokens.kept).clamp_min(SMALLEST_SUM).sqrt()


def _weightedmean(tokens: PooledTokens) -> Tensor:
    """Token i of a text weighs i, counted from 1; leaving out a prompt does not change the others' weights."""
    weights = (tokens.place + 1) * tokens.kept
    return tokens.weighted_sum(weights) / tokens.total(weights).clamp_min(SMALLEST_SUM)


MODES: dict[PoolingMode, Callable[[PooledTokens], Tensor]] = {
    PoolingMode.CLS: lambda tokens: tokens.first(),
    PoolingMode.MAX: lambda tokens: tokens.largest(),
    PoolingMode.MEAN: _mean,
    PoolingMode.MEAN_SQRT_LEN: _mean_sqrt_len,
    PoolingMode.WEIGHTEDMEAN: _weightedmean,
    PoolingMode.LASTTOKEN: lambda tokens: tokens.last(),
}
