"""Tiles of logits, and the way back from their gradients to the vectors.

Legend: B rows, R rows of a block, D width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from embtune.catalog.choices import Similarity
from embtune.losses.matrix_precision import half_operands

Gradients = Sequence[Tensor | None]


class Tiles(ABC):
    """Logits of one block of rows of a table with all rows of a table: scale * similarity."""

    @abstractmethod
    def fill(self, tile_RB: Tensor, left: int, right: int, block: slice) -> None:
        """Write the logits of the block's rows of table `left` with table `right`."""

    @abstractmethod
    def pull(self, slopes_RB: Tensor, left: int, right: int, block: slice, gradients: Gradients) -> None:
        """Add what d loss / d logits comes to for both tables to `gradients`, where there is one for the table."""


def tiles_of(similarity: Similarity, tables: Sequence[Tensor], scale: float) -> Tiles:
    """Of (B, D) tables as `similarity.prepared` makes them."""
    if similarity in (Similarity.COSINE, Similarity.DOT):
        return _Products(tables, scale)
    return _Distances(tables, scale, 2.0 if similarity is Similarity.EUCLIDEAN else 1.0)


class _Products(Tiles):
    """Matrix products written in place: no copy of a tile is made."""

    def __init__(self, tables: Sequence[Tensor], scale: float) -> None:
        self._half = half_operands(tables[0])
        self._tables = [table.bfloat16() if self._half else table for table in tables]
        self._scale = scale

    def fill(self, tile_RB: Tensor, left: int, right: int, block: slice) -> None:
        rows_RD, all_DB = self._tables[left][block], self._tables[right].T
        if self._half:
            tile_RB.copy_(torch.mm(rows_RD, all_DB, out_dtype=torch.float32)).mul_(self._scale)
        else:
            torch.mm(rows_RD * self._scale, all_DB, out=tile_RB)

    def pull(self, slopes_RB: Tensor, left: int, right: int, block: slice, gradients: Gradients) -> None:
        slopes_RB = slopes_RB.bfloat16() if self._half else slopes_RB
        of_left, of_right = gradients[left], gradients[right]
        if of_left is not None:
            self._add(of_left[block], slopes_RB, self._tables[right])
        if of_right is not None:
            self._add(of_right, slopes_RB.T, self._tables[left][block])

    def _add(self, total: Tensor, left: Tensor, right: Tensor) -> None:
        if self._half:
            total.add_(torch.mm(left, right, out_dtype=torch.float32), alpha=self._scale)
        else:
            total.addmm_(left, right, alpha=self._scale)


class _Distances(Tiles):
    """Lp distances with a minus sign, by torch's own derivative."""

    def __init__(self, tables: Sequence[Tensor], scale: float, order: float) -> None:
        self._tables = tables
        self._scale = scale
        self._order = order

    def fill(self, tile_RB: Tensor, left: int, right: int, block: slice) -> None:
        tile_RB.copy_(self._logits(self._tables[left][block], self._tables[right]))

    def pull(self, slopes_RB: Tensor, left: int, right: int, block: slice, gradients: Gradients) -> None:
        leaves = [self._tables[left][block].requires_grad_(), self._tables[right].detach().requires_grad_()]
        with torch.enable_grad():
            logits_RB = self._logits(*leaves)
        found = torch.autograd.grad(logits_RB, leaves, slopes_RB)
        for total, gradient in zip((gradients[left], gradients[right]), found, strict=True):
            if total is not None:
                place = total[block] if gradient is found[0] else total
                place.add_(gradient)

    def _logits(self, rows_RD: Tensor, all_BD: Tensor) -> Tensor:
        return -self._scale * torch.cdist(rows_RD, all_BD, p=self._order)
