"""Attention in texts of varying length by dense attention over padded rows: for every device, at the price of padding.

Legend: T tokens of all texts, B texts, H heads of the queries, G heads of the keys and values (H a multiple), E width
of a head, S token
slots of the longest text.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from embtune.model.attention_kernel import Attended, Kernel, Rules, Triple, for_every_head, summed
from embtune.model.dense_attention import DenseRules, dense_attend, dense_gradients


@dataclass(frozen=True)
class Rows:
    """Where tokens that lie one behind the other go in padded rows.

    slot_T: (T,) place among B * S. lengths_B: (B,). longest: S.
    """

    slot_T: Tensor
    lengths_B: Tensor
    longest: int

    @staticmethod
    def of(bounds: Tensor, tokens: int, longest: int) -> Rows:
        """From the bounds of the texts. On a CPU rows are as long as the longest text, however `longest` is rounded."""
        lengths_B = bounds.diff().long()
        if bounds.device.type == "cpu":
            longest = int(lengths_B.max())
        text_T = torch.repeat_interleave(
            torch.arange(len(lengths_B), device=bounds.device), lengths_B, output_size=tokens
        )
        place_T = torch.arange(tokens, device=bounds.device) - bounds[text_T]
        return Rows(text_T * longest + place_T, lengths_B, longest)

    def spread(self, x_THE: Tensor) -> Tensor:
        """(T, H, E) to (B, H, S, E), zeros where there is no token."""
        heads, width = x_THE.shape[1:]
        filled = x_THE.new_zeros(len(self.lengths_B) * self.longest, heads, width).index_copy(0, self.slot_T, x_THE)
        return filled.view(-1, self.longest, heads, width).transpose(1, 2)

    def gather(self, x_BHSE: Tensor) -> Tensor:
        """(B, H, S, E) to (T, H, E)."""
        return x_BHSE.transpose(1, 2).flatten(0, 1)[self.slot_T]

    def mask(self, left: int, right: int) -> Tensor:
        """(B, 1, S, S), or (B, 1, 1, S) without windows: whether a query (third) sees a key. Rows see real tokens."""
        place_S = torch.arange(self.longest, device=self.slot_T.device)
        real_B11S = (place_S < self.lengths_B[:, None])[:, None, None]
        if left < 0 and right < 0:
            return real_B11S
        ahead_SS = place_S - place_S[:, None]
        seen_SS = (ahead_SS >= -left) if left >= 0 else torch.ones_like(ahead_SS, dtype=torch.bool)
        if right >= 0:
            seen_SS = seen_SS & (ahead_SS <= right)
        return real_B11S & seen_SS | (ahead_SS == 0)  # padding sees itself: a row that sees nothing would be NaN


class Padded(Kernel):
    """Texts as padded rows around dense attention: on every device, in every precision, under every rule.

    The backward pass computes the probabilities again, and draws the dropout again from its seed.
    """

    def serves(self, q: Tensor, rules: Rules) -> bool:
        """Always."""
        return True

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules, seed: Tensor) -> Attended:
        """By torch's fused dense attention where there is no dropout."""
        rows = Rows.of(bounds, len(q), rules.longest)
        q, k, v = _in_rows(rows, q, k, v)
        dense = _dense(rows, rules, seed)
        if rules.dropout:
            out = dense_attend(q, k, v, dense)
        else:
            out = functional.scaled_dot_product_attention(q, k, v, dense.mask, scale=rules.scale)
        return Attended(rows.gather(out), q.new_empty(0), seed.clone(), torch.zeros((), dtype=torch.int64))

    def backward(self, grad: Tensor, qkv: Triple, bounds: Tensor, made: Attended, rules: Rules) -> Triple:
        """The probabilities are computed again."""
        groups = qkv[1].shape[1]
        rows = Rows.of(bounds, len(grad), rules.longest)
        q, k, v = _in_rows(rows, *qkv)
        of_rows = dense_gradients(rows.spread(grad), q, k, v, rows.spread(made.out), _dense(rows, rules, made.seed))
        dq, dk, dv = (rows.gather(each) for each in of_rows)
        return dq, summed(dk, groups), summed(dv, groups)


def _dense(rows: Rows, rules: Rules, seed: Tensor) -> DenseRules:
    return DenseRules(rows.mask(rules.left, rules.right), rules.scale, rules.dropout, int(seed))


def _in_rows(rows: Rows, q: Tensor, k: Tensor, v: Tensor) -> Triple:
    """(B, H, S, E) each."""
    every_head = (for_every_head(each, q.shape[1]) for each in (k, v))
    spread_k, spread_v = (rows.spread(each) for each in every_head)
    return rows.spread(q), spread_k, spread_v
