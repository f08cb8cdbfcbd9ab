"""Softmax cross entropy over all texts of a batch, in blocks of rows and with the gradient written out.

A block's rows are complete, every candidate being a column, so value and gradient are exact and need no second pass:

    Z = scale * sim(x_block, all candidates),   loss += sum_i( logsumexp_j Z_ij - Z_ii )
    G = softmax(Z) - 1 at (i, i),   dx_block = scale * G y,   dy += scale * G^T x_block     (products)

Two (block, candidates) buffers are all that is held, and each is written three times; autograd on the same block makes
about eight of them. Memory is linear in the batch.

Legend: B rows, R rows of a block, D width, K columns of a softmax, K = B * its comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from embtune.catalog.choices import Similarity
from embtune.losses.matrix_precision import fast_products
from embtune.losses.row_blocks import RowShare, Sharing, all_rows
from embtune.losses.tiles import Gradients, Tiles, tiles_of

Adjust = Callable[[slice, Tensor], None]


@dataclass(frozen=True)
class Comparison:
    """Row i of table `left` with every row of table `right`.

    adjust: what is changed of a block's logits (R, B), in place and one after another: -inf for a text that is no
        candidate, or a factor that the gradient does not go through. What it does is a constant.
    """

    left: int
    right: int
    adjust: tuple[Adjust, ...] = ()


Softmax = Sequence[Comparison]


def own_logits(block: slice, tile_RB: Tensor) -> Tensor:
    """(R,) view of a tile: each row's logit with the text of its very own row."""
    return tile_RB[:, block].diagonal()


def leave_out_own(block: slice, tile_RB: Tensor) -> None:
    """An `Adjust`: no row is compared with the text of its own row."""
    own_logits(block, tile_RB).fill_(-torch.inf)


def leave_out(absent_B: Tensor, block: slice, tile_RB: Tensor) -> None:
    """An `Adjust` once it is given (B,) bool: these rows of the right table are nobody's candidates."""
    tile_RB.masked_fill_(absent_B, -torch.inf)


def cross_entropy_sum(
    softmaxes: Sequence[Softmax],
    tables: Sequence[Tensor],
    similarity: Similarity,
    scale: float,
    row_block: int,
    sharing: Sharing = all_rows,
) -> Tensor:
    """The sum over rows and softmaxes of -log p(own), a scalar, differentiable once in `tables`.

    Args:
        softmaxes: each goes over the candidates of all its comparisons together. The right answer of row i is row i of
            its first comparison, which is never adjusted away.
        tables: (B, D) vectors as `similarity.prepared` makes them, B the same for all.
        similarity: how two vectors are compared; scale: times this is a logit.
        row_block: rows of one block where a softmax has one comparison, fewer where it has more; at least 1.
        sharing: `Batch.sharing`.
    """
    share = sharing(len(tables[0]))
    total: Tensor = _RowSoftmax.apply(softmaxes, similarity, scale, row_block, share, *tables)  # type: ignore[no-untyped-call]
    return total


class _RowSoftmax(torch.autograd.Function):
    """Forward takes value and gradient block by block; backward hands the gradient on."""

    @staticmethod
    def forward(  # torch gives `ctx` no type that can hold what is saved
        ctx: Any,  # noqa: ANN401
        softmaxes: Sequence[Softmax],
        similarity: Similarity,
        scale: float,
        row_block: int,
        share: RowShare,
        *tables: Tensor,
    ) -> Tensor:
        rows, needed = len(tables[0]), ctx.needs_input_grad[5:]
        gradients = [torch.zeros_like(table) if need else None for table, need in zip(tables, needed, strict=True)]
        total = tables[0].new_zeros(())
        with fast_products(tables[0]):
            tiles = tiles_of(similarity, tables, scale)
            widest = max(len(softmax) for softmax in softmaxes)
            height = max(1, min(rows, row_block // widest))
            buffers = _Buffers(tables[0], height * widest * rows)
            for block in share.blocks(height):
                for softmax in softmaxes:
                    total += _block_cost(tiles, softmax, block, buffers, gradients)
        ctx.gradients = gradients
        share.add_up([total, *(gradient for gradient in gradients if gradient is not None)])
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (grad_output,) = grad_outputs
        return (None, None, None, None, None, *(None if g is None else g * grad_output for g in ctx.gradients))


class _Buffers:
    """The logits of a block and the logarithms of their probabilities, made once and written over."""

    def __init__(self, table_BD: Tensor, elements: int) -> None:
        self._rows = len(table_BD)
        self._logits, self._logs = table_BD.new_empty(elements), table_BD.new_empty(elements)

    def of(self, block: slice, comparisons: int) -> tuple[Tensor, Tensor]:
        """(R, K) each."""
        shape = (block.stop - block.start, comparisons * self._rows)
        count = shape[0] * shape[1]
        return self._logits[:count].view(shape), self._logs[:count].view(shape)


def _block_cost(tiles: Tiles, softmax: Softmax, block: slice, buffers: _Buffers, gradients: Gradients) -> Tensor:
    """The block's part of the sum, a scalar; adds its part of the gradients."""
    logits_RK, logs_RK = buffers.of(block, len(softmax))
    for comparison, tile_RB in zip(softmax, logits_RK.chunk(len(softmax), dim=1), strict=True):
        tiles.fill(tile_RB, comparison.left, comparison.right, block)
        for adjust in comparison.adjust:
            adjust(block, tile_RB)
    torch.log_softmax(logits_RK, dim=1, out=logs_RK)
    own_R = own_logits(block, logs_RK)
    cost = -own_R.sum()
    if any(gradient is not None for gradient in gradients):
        logs_RK.exp_()
        own_R.sub_(1)
        for comparison, slopes_RB in zip(softmax, logs_RK.chunk(len(softmax), dim=1), strict=True):
            tiles.pull(slopes_RB, comparison.left, comparison.right, block, gradients)
    return cost
