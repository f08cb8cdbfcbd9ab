"""The gradients of one lane of micro-batches, apart from those that another lane adds up at the same time.

Two threads that add to one gradient would add in an order that nobody knows: no run would end twice with the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LaneGradients:
    """Sums over some micro-batches, in their order."""

    def __init__(self) -> None:
        self._dense: dict[nn.Parameter, Tensor] = {}
        self._by_row: list[tuple[nn.Parameter, Tensor]] = []  # of token vectors: rows of a large table

    def add(self, parameters: Sequence[nn.Parameter], output: Tensor, gradient: Tensor) -> None:
        """Push the gradient of a pass back to all of `parameters`, which it need not have used; frees its graph."""
        found = torch.autograd.grad(output, parameters, gradient, allow_unused=True)
        for parameter, each in zip(parameters, found, strict=True):
            if each is None:
                continue
            if each.is_sparse:
                self._by_row.append((parameter, each))
            elif parameter in self._dense:
                self._dense[parameter].add_(each)
            else:
                self._dense[parameter] = each

    def hand_over(self) -> None:
        """Add the sums to the parameters' own gradients; by nobody else at the same time."""
        for parameter, each in [*self._dense.items(), *self._by_row]:
            if parameter.grad is None:
                parameter.grad = each
            else:
                parameter.grad.add_(each)
