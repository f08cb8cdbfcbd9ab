"""Attention with dropout over padded rows, its gradient written out, without what it would hold in between.

The probabilities are made again for the gradient, from the scores, and so are the dropout masks, from their seed. On a
CPU a few heads are computed at a time, whose scores stay in the cache through all passes over them: torch has no fused
attention with dropout there, and walks through memory a dozen times instead.

Dao, Fu, Ermon, Rudra, Re (2022), FlashAttention, arXiv:2205.14135, is the source of the gradient from the output.

Legend: B texts, H heads, E width of a head, S queries and K keys of a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from embtune.model.draws import Draws, thinned
from embtune.model.layers import at_least_float32

_CACHED_SCORES = 1 << 18  # float32 scores that a core's cache holds twice
Block = tuple[slice, slice]


@dataclass(frozen=True)
class DenseRules:
    """How to attend. mask: broadcast to (B, H, S, K); bool (True is seen), or added to the scores; None sees all.

    scale: scores are multiplied by it. dropout: of the probabilities. seed: of the masks.
    """

    mask: Tensor | None
    scale: float
    dropout: float
    seed: int


def dense_attend(q_BHSE: Tensor, k_BHKE: Tensor, v_BHKE: Tensor, rules: DenseRules) -> Tensor:
    """(B, H, S, E): dropout(softmax(scale q k^T + mask)) v, in the dtype of q; probabilities in float32 or better."""
    draws, mask = Draws(rules.seed, q_BHSE.device), _added(q_BHSE, k_BHKE, rules.mask)
    out_BHSE = v_BHKE.new_empty(*q_BHSE.shape[:3], v_BHKE.shape[3])
    for block in _blocks(q_BHSE, k_BHKE):
        p = _probabilities(q_BHSE[block], k_BHKE[block], block, mask, rules.scale)
        if rules.dropout:
            p = thinned(p, draws.kept(tuple(p.shape), rules.dropout), rules.dropout)
        out_BHSE[block] = p.to(v_BHKE.dtype) @ v_BHKE[block]
    return out_BHSE


def dense_gradients(
    grad_BHSE: Tensor, q_BHSE: Tensor, k_BHKE: Tensor, v_BHKE: Tensor, out_BHSE: Tensor, rules: DenseRules
) -> tuple[Tensor, Tensor, Tensor]:
    """Of q, k and v, under the dropout of the forward pass that gave `out_BHSE`."""
    draws, mask = Draws(rules.seed, q_BHSE.device), _added(q_BHSE, k_BHKE, rules.mask)
    dq, dk, dv = (torch.empty_like(each, memory_format=torch.contiguous_format) for each in (q_BHSE, k_BHKE, v_BHKE))
    for block in _blocks(q_BHSE, k_BHKE):
        p = _probabilities(q_BHSE[block], k_BHKE[block], block, mask, rules.scale)
        do = grad_BHSE[block]
        dp = (do @ v_BHKE[block].mT).to(p.dtype)
        dropped = p
        if rules.dropout:
            kept = draws.kept(tuple(p.shape), rules.dropout)
            dropped, dp = thinned(p, kept, rules.dropout), thinned(dp, kept, rules.dropout)
        dv[block] = dropped.to(do.dtype).mT @ do
        along = (do * out_BHSE[block]).sum(-1, keepdim=True).to(p.dtype)
        ds = dp.sub_(along).mul_(p).mul_(rules.scale).to(do.dtype)
        dq[block] = ds @ k_BHKE[block]
        dk[block] = ds.mT @ q_BHSE[block]
    return dq, dk, dv


def _blocks(q_BHSE: Tensor, k_BHKE: Tensor) -> Iterator[Block]:
    """Texts and heads whose scores are computed together; but on a CPU all of them."""
    texts, heads, queries = q_BHSE.shape[:3]
    a_time = texts * heads
    if q_BHSE.device.type == "cpu":
        a_time = max(1, _CACHED_SCORES // (queries * k_BHKE.shape[2]))
    rows, width = max(1, a_time // heads), min(heads, a_time)
    for row in range(0, texts, rows):
        for head in range(0, heads, width):
            yield slice(row, row + rows), slice(head, head + width)


def _added(q_BHSE: Tensor, k_BHKE: Tensor, mask: Tensor | None) -> Tensor | None:
    """The mask as what is added to scores, of shape (B, H, S, K); a query that sees nothing sees all alike."""
    if mask is None:
        return None
    if mask.dtype == torch.bool:  # filling by a mask takes a CPU several times as long as adding
        mask = torch.zeros_like(mask, dtype=torch.float32).masked_fill_(~mask, torch.finfo(torch.float32).min)
    return mask.expand(*q_BHSE.shape[:3], k_BHKE.shape[2])


def _probabilities(q: Tensor, k: Tensor, block: Block, mask_BHSK: Tensor | None, scale: float) -> Tensor:
    """Of a block, without dropout, float32 or better."""
    scores = at_least_float32((q * scale) @ k.mT)
    return (scores if mask_BHSK is None else scores.add_(mask_BHSK[block])).softmax(-1)
