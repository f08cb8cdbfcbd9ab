"""What a block of rows is compared with in a ranking loss: all queries of the batch, or all documents.

Legend: B rows, R rows of the block, C = B * (1 + negatives) documents in column blocks (positives first), K columns
(B queries or C documents), D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from embtune.catalog.choices import Direction, HardnessMode, Similarity
from embtune.losses.similarity import similarity_matrix

_FROM_QUERY = frozenset({Direction.QUERY_TO_DOC, Direction.QUERY_TO_QUERY})
_TO_DOCUMENTS = frozenset({Direction.QUERY_TO_DOC, Direction.DOC_TO_DOC})
_WITHOUT_OWN = frozenset({Direction.QUERY_TO_QUERY, Direction.DOC_TO_DOC})  # no text is told apart from its own row's


@dataclass(frozen=True)
class Columns:
    """The columns of a comparison: K texts, of B rows, seen from one block.

    absent: (C,) bool, documents that are not there (ragged negatives); None where all are.
    """

    block: slice
    rows: int
    absent: Tensor | None

    def own(self, like: Tensor) -> Tensor:
        """(R, K) bool for scores `like` (R, K): the column is a text of the very row."""
        row_of_column = torch.arange(like.shape[1], device=like.device) % self.rows
        return row_of_column == self._row_numbers(like)[:, None]

    def hardened(self, mode: HardnessMode, like: Tensor) -> Tensor:
        """(R, C) bool for scores `like` of queries with documents: the negatives that `mode` weighs by nearness."""
        own = self.own(like)
        if mode is HardnessMode.IN_BATCH_NEGATIVES:
            return ~own
        is_negative = torch.arange(like.shape[1], device=like.device) >= self.rows
        return own & is_negative if mode is HardnessMode.HARD_NEGATIVES else ~own | is_negative

    def without_excluded(self, direction: Direction, logits: Tensor) -> Tensor:
        """`logits` (R, K) with -inf wherever the column is no candidate of the row."""
        if direction in _WITHOUT_OWN:
            logits = logits.masked_fill(self.own(logits), -torch.inf)
        if direction in _TO_DOCUMENTS and self.absent is not None:
            logits = logits.masked_fill(self.absent, -torch.inf)
        return logits

    def _row_numbers(self, like: Tensor) -> Tensor:
        return torch.arange(self.block.start, self.block.stop, device=like.device)


def compare(
    direction: Direction, similarity: Similarity, block: slice, queries_BD: Tensor, documents_CD: Tensor
) -> Tensor:
    """(R, K) similarities, unscaled, of the block's queries (or positives) with all queries (or documents)."""
    from_BD = queries_BD if direction in _FROM_QUERY else documents_CD  # the first B documents are the positives
    to_KD = documents_CD if direction in _TO_DOCUMENTS else queries_BD
    return similarity_matrix(similarity, from_BD[block], to_KD)
