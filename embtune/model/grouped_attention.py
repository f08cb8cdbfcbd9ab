"""Attention in texts of varying length on a CPU: texts of one length are one dense block, and nothing is padded.

Legend: T tokens of all texts, B texts of one length, H heads of the queries, G heads of the keys and values (H a
multiple), E width of a head, S that length.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from embtune.model.attention_kernel import Attended, Kernel, Rules, Triple, for_every_head, summed
from embtune.model.dense_attention import DenseRules, dense_attend, dense_gradients
from embtune.model.draws import Draws

Block = tuple[slice, int]


class Grouped(Kernel):
    """Neighbours of one length together: texts that are sorted by length make few blocks.

    The backward pass computes the probabilities again, and draws the dropout again from its seed.
    """

    def serves(self, q: Tensor, rules: Rules) -> bool:
        """On a CPU, always."""
        return q.device.type == "cpu"

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules, seed: Tensor) -> Attended:
        """By torch's fused dense attention where there is no dropout."""
        k, v = (for_every_head(each, q.shape[1]) for each in (k, v))
        out = torch.empty_like(q, memory_format=torch.contiguous_format)
        for block, dense in _blocks(bounds, rules, seed):
            q_BHSE, k_BHSE, v_BHSE = (_rows(each, block) for each in (q, k, v))
            if rules.dropout:
                attended = dense_attend(q_BHSE, k_BHSE, v_BHSE, dense)
            else:
                attended = scaled_dot_product_attention(q_BHSE, k_BHSE, v_BHSE, dense.mask, scale=rules.scale)
            _rows(out, block).copy_(attended)
        return Attended(out, q.new_empty(0), seed.clone(), torch.zeros((), dtype=torch.int64))

    def backward(self, grad: Tensor, qkv: Triple, bounds: Tensor, made: Attended, rules: Rules) -> Triple:
        """Block by block."""
        q, groups = qkv[0], qkv[1].shape[1]
        k, v = (for_every_head(each, q.shape[1]) for each in qkv[1:])
        found = [torch.empty_like(each, memory_format=torch.contiguous_format) for each in (q, k, v)]
        for block, dense in _blocks(bounds, rules, made.seed):
            do_BHSE, q_BHSE, k_BHSE, v_BHSE, out_BHSE = (_rows(each, block) for each in (grad, q, k, v, made.out))
            parts = dense_gradients(do_BHSE, q_BHSE, k_BHSE, v_BHSE, out_BHSE, dense)
            for whole, part in zip(found, parts, strict=True):
                _rows(whole, block).copy_(part)
        dq, dk, dv = found
        return dq, summed(dk, groups), summed(dv, groups)


def _blocks(bounds: Tensor, rules: Rules, seed: Tensor) -> Iterator[tuple[Block, DenseRules]]:
    """(tokens, their texts' length) of each block, and how it attends, with draws of its own."""
    draws = Draws(int(seed), bounds.device)
    start = 0
    for length, same in groupby(bounds.diff().tolist()):
        stop = start + length * sum(1 for _ in same)
        mask = _mask(length, rules.left, rules.right)
        yield (slice(start, stop), length), DenseRules(mask, rules.scale, rules.dropout, draws.seed())
        start = stop


def _rows(x_THE: Tensor, block: Block) -> Tensor:
    """(B, H, S, E), the same memory."""
    tokens, length = block
    return x_THE[tokens].view(-1, length, *x_THE.shape[1:]).transpose(1, 2)


def _mask(length: int, left: int, right: int) -> Tensor | None:
    """(S, S) whether a query sees a key; None where all see all."""
    if (left < 0 or left >= length - 1) and (right < 0 or right >= length - 1):
        return None
    ahead_SS = torch.arange(length) - torch.arange(length)[:, None]
    seen_SS = ahead_SS >= -left if left >= 0 else torch.ones_like(ahead_SS, dtype=torch.bool)
    return seen_SS & (ahead_SS <= right) if right >= 0 else seen_SS
