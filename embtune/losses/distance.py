"""How far two embeddings are apart, for the losses with a margin. Legend: B rows, D width."""

from __future__ import annotations

from torch import Tensor

from embtune.catalog.choices import Distance
from embtune.losses.similarity import NORMALIZE_FLOOR, norms, row_cosines

PAIR_OFFSET = 1e-6  # torch.nn.functional.pairwise_distance adds it to the difference


def row_distances(
    metric: Distance, left_BD: Tensor, right_BD: Tensor, *, floor: float = NORMALIZE_FLOOR, offset: float = 0.0
) -> Tensor:
    """(B,) distances, row with row. Equal vectors are 0 apart and get no gradient, unless an `offset` moves them.

    Args:
        metric: cosine is 1 - cosine, euclidean and manhattan the L2 and L1 norm of the difference.
        left_BD: vectors of one side.
        right_BD: vectors of the other side.
        floor: least norm a vector is divided by (cosine).
        offset: added to each coordinate of the difference first (euclidean, manhattan); `F.pairwise_distance` has 1e-6.
    """
    if metric is Distance.COSINE:
        return 1 - row_cosines(left_BD, right_BD, floor)
    return norms(left_BD - right_BD + offset, order=2 if metric is Distance.EUCLIDEAN else 1)
