"""How decided a softmax is: whether its scale leaves anything to learn. Legend: K candidates of a softmax."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Softness:
    """What softmaxes cost, and by what that is judged; scalars on the device, of all rows on average.

    cost: -log p(right answer).
    candidates: K, the right one too.
    spread: the most that two logits can differ, 2 * scale for cosines; infinite where there is no bound.
    """

    cost: Tensor
    candidates: Tensor
    spread: Tensor

    def times(self, share: float) -> Softness:
        """A share of it, to be added up."""
        return Softness(self.cost * share, self.candidates * share, self.spread * share)


def softness(cost: Tensor, candidates: Tensor | float, spread: Tensor | float = math.inf) -> Softness:
    """From tensors and numbers; no gradient goes through it, and nothing waits for the device."""
    cost = cost.detach()
    return Softness(cost, _beside(cost, candidates), _beside(cost, spread))


def _beside(cost: Tensor, value: Tensor | float) -> Tensor:
    return value.detach() if isinstance(value, Tensor) else cost.new_full((), value)


def relative_costs(cost: float, candidates: float, spread: float) -> tuple[float, float]:
    """What softmaxes cost, and the least they could, in units of what they cost where all candidates are alike.

        log K = 1,  least = log( 1 + (K - 1) * exp(-spread) ) / log K

    A cost of 1 is chance; 0, to rounding, leaves no gradient; many times 1 is sure and wrong. Where embeddings without
    a fault still cost near 1, nothing can be told apart. With one candidate there is nothing to decide: 1 and 0.
    """
    if not candidates > 1:
        return 1.0, 0.0
    alike = math.log(candidates)
    return cost / alike, math.log1p((candidates - 1) * math.exp(-spread)) / alike
