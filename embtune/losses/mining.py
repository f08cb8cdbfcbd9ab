"""What the losses share that find their triplets in a batch of texts with a class.

Anchors are taken in blocks and each is compared with every row: one (block, B) tile lives at a time, nothing is (B, B),
let alone the (B, B, B) of all triplets.

Legend: B rows, R anchors of a block, C classes, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from embtune.catalog.choices import Distance
from embtune.losses.objective import Batch
from embtune.losses.row_blocks import sum_over_row_blocks
from embtune.losses.similarity import unit_vectors

# A squared distance is what is left of the squared lengths it is computed from; below this share of them, rounding.
_ROUNDING = 4 * torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class Anchors:
    """The anchors of a block beside all rows.

    distances_RB: float32, at least 0 but for the rounding of cosines.
    positive_RB: bool, the row is another one of the anchor's class. negative_RB: bool, it is of another class.
    """

    distances_RB: Tensor
    positive_RB: Tensor
    negative_RB: Tensor

    def complete(self) -> Tensor:
        """(R,) bool: the anchor has a positive and a negative, hence a triplet."""
        return self.positive_RB.any(dim=1) & self.negative_RB.any(dim=1)


@dataclass(frozen=True)
class Mined:
    """A block's triplets: what they cost, a scalar, and how many cost something, an int64 scalar."""

    cost: Tensor
    active: Tensor


def mine(batch: Batch, metric: Distance, costs: Callable[[Anchors], Mined]) -> Mined:
    """The costs of all triplets of a batch with the role `text`.

    Args:
        batch: its labels are (B,) classes, compared with ==.
        metric: how far two texts are apart.
        costs: what the triplets of some anchors come to. It reads embeddings through its argument only.
    """
    vectors_BD, labels_B = batch.embedding("text"), batch.known_labels()
    compared_BD = unit_vectors(vectors_BD) if metric is Distance.COSINE else vectors_BD
    active = torch.zeros((), dtype=torch.int64, device=labels_B.device)

    def block_cost(block: slice, tables: tuple[Tensor, ...]) -> Tensor:
        mined = costs(_anchors(block, labels_B, distances(metric, block, *tables)))
        active.add_(mined.active)
        return mined.cost

    rows = len(labels_B)
    cost = sum_over_row_blocks(block_cost, (compared_BD,), rows, batch.row_block, batch.sharing)
    batch.sharing(rows).add_up([active])
    return Mined(cost, active)


def _anchors(block: slice, labels_B: Tensor, distances_RB: Tensor) -> Anchors:
    same_RB = labels_B[block, None] == labels_B
    numbers_B = torch.arange(len(labels_B), device=labels_B.device)
    return Anchors(distances_RB, same_RB & (numbers_B[block, None] != numbers_B), ~same_RB)


def distances(metric: Distance, block: slice, vectors_BD: Tensor) -> Tensor:
    """(R, B) distances of a block's rows to all rows; for cosine the vectors must have length 1 already.

    Rows that are 0 apart get no gradient. Euclidean distances come from products of vectors: those too small to be told
    from rounding, a thousandth of the vectors' lengths, are 0.
    """
    if metric is Distance.COSINE:
        return 1 - vectors_BD[block] @ vectors_BD.T
    if metric is Distance.MANHATTAN:
        return torch.cdist(vectors_BD[block], vectors_BD, p=1.0)
    squares_B = vectors_BD.square().sum(dim=1)
    lengths_RB = squares_B[block, None] + squares_B
    squared_RB = lengths_RB - 2 * vectors_BD[block] @ vectors_BD.T
    equal_RB = squared_RB <= _ROUNDING * lengths_RB
    # the root of 1 stands in where that of 0 would have an infinite slope
    return squared_RB.masked_fill(equal_RB, 1).sqrt().masked_fill(equal_RB, 0)


def class_sizes(labels_B: Tensor) -> Tensor:
    """(C,) int64: the rows of each class in the batch."""
    sizes_C: Tensor = torch.unique(labels_B, return_counts=True)[1]
    return sizes_C
