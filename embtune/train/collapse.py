"""Whether all texts get the same embedding: the mean cosine of two of them, from sums and without a table of pairs.

    mean cosine = (|sum of u_i|^2 - N) / (N * (N - 1)),  u_i the embeddings at length 1

Legend: T table rows, N of them that are looked at, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_LOOKED_AT = 256  # rows of a table, evenly: more pairs than it takes, at a price that no step notices
_SHORTEST = 1e-12  # a zero vector has no direction


@dataclass(frozen=True)
class Directions:
    """Where the embeddings of some texts point. total: (D,) their sum at length 1. texts: how many they are."""

    total: Tensor
    texts: int

    def __add__(self, other: Directions) -> Directions:
        """Those of both."""
        return Directions(self.total + other.total, self.texts + other.texts)

    @property
    def squared(self) -> Tensor:
        """|total|^2, a scalar, for `mean_cosine`."""
        return self.total.dot(self.total)

    def mean_cosine(self, squared: float) -> float:
        """Of two different texts; 0 where there are no two. squared: the number, once it is read."""
        return (squared - self.texts) / max(1, self.texts * (self.texts - 1))


def directions_of(table_TD: Tensor) -> Directions:
    """Those of a table's embeddings, or of enough of them."""
    rows_ND = table_TD.detach()[:: max(1, len(table_TD) // _LOOKED_AT)]
    lengths_N = torch.linalg.vector_norm(rows_ND, dim=1)
    return Directions(lengths_N.clamp_min_(_SHORTEST).reciprocal_() @ rows_ND, len(rows_ND))
