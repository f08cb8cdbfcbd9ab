"""The softmax of `row_softmax` on vectors cut to several widths, all in one pass over their numbers.

The products of the first d numbers are those of the first d' < d and of the rest, so they are added up chunk by chunk,
and scaled at each width by the lengths of the cut vectors:

    S_d = S_d' + x_{d':d} y_{d':d}^T,   Z_d = scale * S_d / (|x_:d| |y_:d|),   G_d = softmax(Z_d) - 1 at (i, i)
    H_d = scale * G_d / (|x_:d| |y_:d|),   dx_{d':d} = sum over e >= d of H_e times y_{d':d}
    and by the lengths: dx_:d -= (sum_j H_d S_d) x_:d / |x_:d|^2

So all widths together cost the products of the widest, and more passes over a block. On a CPU, where products are what
takes time, this is 1.6 times as fast as width after width, at 384 numbers in four widths and 768 or 1,024 in five.

Legend: B rows, R rows of a block, D width, K columns of a softmax, W widths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from embtune.losses.objective import Batch
from embtune.losses.row_blocks import RowShare, Sharing, all_rows
from embtune.losses.row_softmax import Comparison, Softmax, own_logits
from embtune.losses.similarity import NORMALIZE_FLOOR


class NestedWidths(ABC):
    """What an objective is beside an `Objective` when it can score vectors cut to several widths in one pass."""

    @abstractmethod
    def nests(self, batch: Batch) -> bool:
        """Whether it can with its settings, and it pays for this batch."""

    @abstractmethod
    def nested_terms(self, batch: Batch, weights: Mapping[int, float]) -> dict[int, dict[str, Tensor]]:
        """Terms by width, of embeddings cut to it and brought to length 1; each is times its width's weight.

        All of them must be differentiated together, by one and the same factor: they share one gradient.
        """


def products_take_the_time(vectors: Tensor) -> bool:
    """Whether one pass for all widths pays where `vectors` are.

    On a GPU it does not, by estimate: a pass over a block takes as long there as the product it would save.
    """
    return vectors.device.type == "cpu"


def nested_cross_entropy_sums(
    softmaxes: Sequence[Softmax],
    tables: Sequence[Tensor],
    weights: Mapping[int, float],
    scale: float,
    row_block: int,
    sharing: Sharing = all_rows,
) -> Tensor:
    """(W,) sums over rows and softmaxes of -log p(own) by cosines of cut vectors, times the weights, in their order.

    Args:
        softmaxes: as in `row_softmax.cross_entropy_sum`.
        tables: (B, D) vectors as they are. Those whose cut is shorter than the floor get no gradient from it.
        weights: width -> weight, at least one.
        scale: times a cosine is a logit.
        row_block: bounds the memory, as there; blocks are smaller, for each width takes a buffer.
        sharing: `Batch.sharing`.
    """
    share = sharing(len(tables[0]))
    sums: Tensor = _NestedSoftmax.apply(softmaxes, dict(weights), scale, row_block, share, *tables)  # type: ignore[no-untyped-call]
    return sums


class _NestedSoftmax(torch.autograd.Function):
    """Forward takes values and the one gradient of their sum; backward hands it on."""

    @staticmethod
    def forward(  # torch gives `ctx` no type that can hold what is saved
        ctx: Any,  # noqa: ANN401
        softmaxes: Sequence[Softmax],
        weights: dict[int, float],
        scale: float,
        row_block: int,
        share: RowShare,
        *tables: Tensor,
    ) -> Tensor:
        widths = sorted(weights)
        needed = any(ctx.needs_input_grad[5:])
        cuts = [_Cut(tables, width, weights[width], scale, needed) for width in widths]
        gradients = [torch.zeros_like(table) for table in tables] if needed else []
        widest = max(len(softmax) for softmax in softmaxes)
        height = max(1, 2 * row_block // (widest * (len(widths) + 2)))
        for block in share.blocks(height):
            for softmax in softmaxes:
                _score(tables, softmax, block, cuts, gradients)
        for cut in cuts:
            cut.add_length_terms(tables, gradients)
        share.add_up([*(cut.total for cut in cuts), *gradients])
        ctx.gradients = gradients
        by_width = {cut.width: cut.total for cut in cuts}
        return torch.stack([by_width[width] for width in weights])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (grad_W,) = grad_outputs
        assert bool((grad_W == grad_W[0]).all()), (
            "the sums of all widths are differentiated together, they share a gradient"
        )
        needed = ctx.needs_input_grad[5:]
        found = zip(ctx.gradients, needed, strict=True)
        return (None, None, None, None, None, *(gradient * grad_W[0] if need else None for gradient, need in found))


class _Cut:
    """One width: the lengths of the cut vectors, what it costs so far, and its gradient by those lengths."""

    def __init__(self, tables: Sequence[Tensor], width: int, weight: float, scale: float, needed: bool) -> None:
        self.width = width
        self.weight = weight
        self.scale = scale
        self.total = tables[0].new_zeros(())
        lengths = [torch.linalg.vector_norm(table[:, :width], dim=1) for table in tables]
        self.inverse = [torch.where(length > NORMALIZE_FLOOR, 1 / length, 0.0) for length in lengths]
        self.by_length = [torch.zeros_like(length) for length in lengths] if needed else []

    def scaled(self, tile_RB: Tensor, comparison: Comparison, block: slice, out: Tensor, factor: float = 1.0) -> None:
        """`out` = the tile times scale and factor over the lengths of both sides."""
        torch.mul(tile_RB, (factor * self.scale * self.inverse[comparison.left][block])[:, None], out=out)
        out.mul_(self.inverse[comparison.right])

    def add_length_terms(self, tables: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
        """What the lengths contribute to the gradient of the vectors."""
        for table, gradient, inverse, by_length in zip(tables, gradients, self.inverse, self.by_length, strict=False):
            factor = (by_length * inverse.square())[:, None]
            gradient[:, : self.width].addcmul_(table[:, : self.width], factor, value=-1)


@dataclass(frozen=True)
class _Parts:
    """Buffers (R, K) of one block, cut into the (R, B) tiles of its comparisons."""

    softmax: Softmax

    def of(self, buffer_RK: Tensor) -> list[tuple[Comparison, Tensor]]:
        return list(zip(self.softmax, buffer_RK.chunk(len(self.softmax), dim=1), strict=True))


def _score(
    tables: Sequence[Tensor], softmax: Softmax, block: slice, cuts: Sequence[_Cut], gradients: Sequence[Tensor]
) -> None:
    """The block's part of every width's sum; adds its part of the gradients."""
    parts, columns = _Parts(softmax), len(tables[0]) * len(softmax)
    products_RK = tables[0].new_zeros(block.stop - block.start, columns)
    logits_RK = torch.empty_like(products_RK)
    slopes, done = [], 0
    for cut in cuts:
        chunk = slice(done, cut.width)
        for comparison, tile_RB in parts.of(products_RK):
            tile_RB.addmm_(tables[comparison.left][block, chunk], tables[comparison.right][:, chunk].T)
        slopes.append(_cross_entropy(cut, parts, block, products_RK, logits_RK))
        done = cut.width
    if gradients:
        _pull(tables, parts, block, cuts, slopes, gradients)


def _cross_entropy(cut: _Cut, parts: _Parts, block: slice, products_RK: Tensor, logits_RK: Tensor) -> Tensor:
    """(R, K) d loss / d products at one width; adds to its sum and its gradient by length."""
    for (comparison, tile_RB), (_, logits_RB) in zip(parts.of(products_RK), parts.of(logits_RK), strict=True):
        cut.scaled(tile_RB, comparison, block, logits_RB)
        for adjust in comparison.adjust:
            adjust(block, logits_RB)
    slopes_RK = torch.log_softmax(logits_RK, dim=1)
    own_R = own_logits(block, slopes_RK)
    cut.total -= cut.weight * own_R.sum()
    if not cut.by_length:
        return slopes_RK
    slopes_RK.exp_()
    own_R.sub_(1)
    for (comparison, tile_RB), (_, slopes_RB), (_, spare_RB) in zip(
        parts.of(products_RK), parts.of(slopes_RK), parts.of(logits_RK), strict=True
    ):
        cut.scaled(slopes_RB, comparison, block, slopes_RB, cut.weight)
        torch.mul(slopes_RB, tile_RB, out=spare_RB)
        cut.by_length[comparison.left][block] += spare_RB.sum(dim=1)
        cut.by_length[comparison.right] += spare_RB.sum(dim=0)
    return slopes_RK


def _pull(
    tables: Sequence[Tensor],
    parts: _Parts,
    block: slice,
    cuts: Sequence[_Cut],
    slopes: list[Tensor],
    gradients: Sequence[Tensor],
) -> None:
    """From the widest to the narrowest: each chunk of numbers is in the products of all widths from its own on."""
    summed_RK = slopes.pop()
    for place in range(len(cuts) - 1, -1, -1):
        chunk = slice(cuts[place - 1].width if place else 0, cuts[place].width)
        for comparison, slopes_RB in parts.of(summed_RK):
            left, right = comparison.left, comparison.right
            gradients[left][block, chunk].addmm_(slopes_RB, tables[right][:, chunk])
            gradients[right][:, chunk].addmm_(slopes_RB.T, tables[left][block, chunk])
        if slopes:
            summed_RK += slopes.pop()
