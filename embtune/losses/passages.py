"""The passages of a row, its positive and its negatives, and how near each is to the query.

Legend: B rows, P passages, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from embtune.catalog.choices import Similarity
from embtune.losses.objective import Batch
from embtune.losses.similarity import row_similarities
from embtune.losses.views import negative_roles


def passage_roles(batch: Batch) -> tuple[str, ...]:
    """The positive, then the negatives in order."""
    return ("positive", *negative_roles(batch))


def passage_scores(similarity: Similarity, embedding: Callable[[str], Tensor], passages: Sequence[str]) -> Tensor:
    """(B, P) similarities of the query with each of its passages.

    Args:
        similarity: how they are compared.
        embedding: role -> the (B, D) embeddings of its texts.
        passages: the roles of the passages.
    """
    query_BD = embedding("anchor")
    return torch.stack([row_similarities(similarity, query_BD, embedding(role)) for role in passages], dim=1)


def present_passages(rows: Batch, passages: Sequence[str], like: Tensor) -> Tensor:
    """(B, P) bool, on the device of `like`: which passages these rows have. Needs no embeddings."""
    everywhere_B = like.new_ones(rows.size, dtype=torch.bool)
    masks = [rows.mask(role) for role in passages]
    return torch.stack([everywhere_B if mask is None else mask for mask in masks], dim=1)
