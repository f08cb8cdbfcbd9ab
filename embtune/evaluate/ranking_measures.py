"""Measures of a ranking, from the relevance found at each rank. Names and values are trec_eval's.

Held against trec_eval itself (`pytrec_eval`) in the tests; it is not used here because it has no build for Linux on ARM
and knows no reciprocal rank with a cut.

Legend: Q queries, K ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Rankings with their judgements.

    gains_QK: relevance of the candidate at each rank, 0 where it is not relevant.
    ideal_QK: the gains of the best possible ranking: each query's relevances, falling, then zeros.
    relevant_Q: how many candidates are relevant to each query, at least 1.
    """

    gains_QK: Floats
    ideal_QK: Floats
    relevant_Q: Floats


def accuracy(judged: Judged, k: int) -> float:
    """Share of queries with a relevant candidate among the first k (trec_eval: success)."""
    return float((judged.gains_QK[:, :k] > 0).any(axis=1).mean())


def recall(judged: Judged, k: int) -> float:
    """Share of a query's relevant candidates among the first k, mean over queries."""
    return float(((judged.gains_QK[:, :k] > 0).sum(axis=1) / judged.relevant_Q).mean())


def reciprocal_rank(judged: Judged, k: int) -> float:
    """1 / rank of the first relevant candidate, 0 when it is beyond k, mean over queries (MRR)."""
    found_QK = judged.gains_QK[:, :k] > 0
    ranks_Q = found_QK.argmax(axis=1) + 1
    return float((found_QK.any(axis=1) / ranks_Q).mean())


def average_precision(judged: Judged, k: int) -> float:
    """Precision at each relevant rank up to k, summed, over the number of relevant candidates, mean over queries."""
    found_QK = judged.gains_QK[:, :k] > 0
    precision_QK = found_QK.cumsum(axis=1) / np.arange(1, found_QK.shape[1] + 1)
    return float(((precision_QK * found_QK).sum(axis=1) / judged.relevant_Q).mean())


def ndcg(judged: Judged, k: int) -> float:
    """sum_rank gain / log2(rank + 1) up to k, over that of the best possible ranking, mean over queries."""
    return float((_discounted(judged.gains_QK[:, :k]) / _discounted(judged.ideal_QK[:, :k])).mean())


def _discounted(gains_QK: Floats) -> Floats:
    discounted: Floats = gains_QK @ (1 / np.log2(np.arange(2, gains_QK.shape[1] + 2)))
    return discounted
