"""Score a batch in blocks of rows, so that memory is linear in the batch and not quadratic.

A block's rows are complete (every candidate is a column), hence exact: nothing is approximated and no second pass is
needed. The gradient of each block is taken at once and only the sums are kept, so one (block, candidates) tile lives at
a time. Same idea as gradient caching (Gao, Zhang, Han, Callan 2021, arXiv:2101.06983), one level further in.

Where several processes have the same batch, each may score a part of the rows: values and gradients are then added up
within the function that takes the blocks, so that every process has the whole sum, and whatever is made of it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BlockFunction = Callable[[slice, tuple[Tensor, ...]], Tensor]


def _nothing_to_add(tensors: Sequence[Tensor]) -> None:
    """The sums are there already."""


@dataclass(frozen=True)
class RowShare:
    """The rows that this process scores.

    add_up: replaces tensors, in place, by their sums over all shares; does nothing where this is the only one.
    """

    rows: range
    add_up: Callable[[Sequence[Tensor]], None] = _nothing_to_add

    def blocks(self, height: int) -> Iterator[slice]:
        """The share in blocks of at most `height` rows."""
        for start in self.rows[::height]:
            yield slice(start, min(start + height, self.rows.stop))


Sharing = Callable[[int], RowShare]
"""From a number of rows to this process's share of them."""


def all_rows(rows: int) -> RowShare:
    """The `Sharing` of one process."""
    return RowShare(range(rows))


def sum_over_row_blocks(
    function: BlockFunction, tensors: Sequence[Tensor], rows: int, row_block: int, sharing: Sharing = all_rows
) -> Tensor:
    """Sum of `function(block, tensors)` over blocks of at most `row_block` of `rows` rows.

    Args:
        function: given a slice of rows and the tensors, returns the scalar sum over those rows. It must read every
            tensor through its argument, never from a closure, or that tensor gets no gradient.
        tensors: everything differentiable the function needs, whole (normalise *before*, once, not in each block).
        rows: number of rows, at least 0.
        row_block: rows of one block, at least 1.
        sharing: `Batch.sharing`. What `function` does besides (a count) it does for its share alone.

    Returns:
        A scalar of the tensors' dtype, differentiable once with respect to `tensors`.
    """
    total: Tensor = _RowBlocks.apply(function, sharing(rows), row_block, *tensors)  # type: ignore[no-untyped-call]
    return total


class _RowBlocks(torch.autograd.Function):
    """Forward takes value and gradient block by block; backward hands the gradient on."""

    @staticmethod
    def forward(  # torch gives `ctx` no type that can hold what is saved
        ctx: Any,  # noqa: ANN401
        function: BlockFunction,
        share: RowShare,
        row_block: int,
        *tensors: Tensor,
    ) -> Tensor:
        leaves = tuple(
            t.detach().requires_grad_(needs) for t, needs in zip(tensors, ctx.needs_input_grad[3:], strict=True)
        )
        total = tensors[0].new_zeros(())
        for block in share.blocks(row_block):
            with torch.enable_grad():
                part = function(block, leaves)
            if part.requires_grad:
                part.backward()  # type: ignore[no-untyped-call]
            total += part.detach()
        ctx.gradients = tuple(_gradient(leaf) if leaf.requires_grad else None for leaf in leaves)
        share.add_up([total, *(gradient for gradient in ctx.gradients if gradient is not None)])
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (grad_output,) = grad_outputs
        return (None, None, None, *(None if g is None else g * grad_output for g in ctx.gradients))


def _gradient(leaf: Tensor) -> Tensor:
    """Zeros where no block of the share came to the leaf: what is added up is the same tensors everywhere."""
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
