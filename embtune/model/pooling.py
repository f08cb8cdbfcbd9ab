"""From token embeddings to one vector: the six modes of Sentence Transformers.

Legend: B texts, T token slots (padded on the right), D width. Sums are taken in float32 or better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from embtune.model.layers import at_least_float32
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
        """Pool.

        Args:
            tokens: (B, T, D).
            mask: (B, T), 1 for a token and 0 for padding; None where there is no padding.
            prompt_lengths: (B,) tokens of the prompt, special tokens before it included; None for no prompts.

        Returns:
            (B, D * number of modes), float32 or better. A text with nothing left to pool gives zeros.
        """
        kept = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device) if mask is None else mask.bool()
        if prompt_lengths is not None and not self.include_prompt:
            places = torch.arange(tokens.shape[1], device=tokens.device)
            kept = kept & (places >= prompt_lengths[:, None])
        return torch.cat([at_least_float32(MODES[mode](tokens, kept)) for mode in self.modes], dim=-1)


def _first(tokens: Tensor, kept: Tensor) -> Tensor:
    return _token_at(tokens, kept, kept.int().argmax(dim=1))


def _last(tokens: Tensor, kept: Tensor) -> Tensor:
    from_the_end = kept.flip(1).int().argmax(dim=1)
    return _token_at(tokens, kept, kept.shape[1] - 1 - from_the_end)


def _token_at(tokens: Tensor, kept: Tensor, place: Tensor) -> Tensor:
    """(B, D) the token at `place` (B,), zeros where that token is not kept."""
    rows = torch.arange(len(tokens), device=tokens.device)
    return tokens[rows, place] * kept[rows, place, None]


def _max(tokens: Tensor, kept: Tensor) -> Tensor:
    largest = tokens.masked_fill(~kept[..., None], float("-inf")).amax(dim=1)
    return largest.masked_fill(~kept.any(dim=1, keepdim=True), 0.0)


def _mean(tokens: Tensor, kept: Tensor) -> Tensor:
    return _weighted_sum(tokens, kept) / kept.sum(dim=1, keepdim=True).clamp_min(SMALLEST_SUM)


def _mean_sqrt_len(tokens: Tensor, kept: Tensor) -> Tensor:
    return _weighted_sum(tokens, kept) / kept.sum(dim=1, keepdim=True).clamp_min(SMALLEST_SUM).sqrt()


def _weightedmean(tokens: Tensor, kept: Tensor) -> Tensor:
    """Token i of a text weighs i, counted from 1; leaving out a prompt does not change the others' weights."""
    weights = torch.arange(1, tokens.shape[1] + 1, device=tokens.device) * kept
    return _weighted_sum(tokens, weights) / weights.sum(dim=1, keepdim=True).clamp_min(SMALLEST_SUM)


def _weighted_sum(tokens: Tensor, weights: Tensor) -> Tensor:
    tokens = at_least_float32(tokens)
    return (tokens * weights[..., None].to(tokens.dtype)).sum(dim=1)


MODES: dict[PoolingMode, Callable[[Tensor, Tensor], Tensor]] = {
    PoolingMode.CLS: _first,
    PoolingMode.MAX: _max,
    PoolingMode.MEAN: _mean,
    PoolingMode.MEAN_SQRT_LEN: _mean_sqrt_len,
    PoolingMode.WEIGHTEDMEAN: _weightedmean,
    PoolingMode.LASTTOKEN: _last,
}
