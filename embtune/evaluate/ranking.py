"""The best candidates for each query, exactly, in bounded memory.

Legend: Q queries, C candidates, K candidates kept, D width.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embtune.catalog.choices import Similarity
from embtune.evaluate.scoring import Embeddings, normalised, score_matrix

SCORES_AT_ONCE = 2**24  # 64 MiB of float32


def rank_candidates(
    queries_QD: Embeddings,
    candidates_CD: Embeddings,
    similarity: Similarity,
    keep: int,
    device: torch.device | None = None,
    scores_at_once: int = SCORES_AT_ONCE,
) -> NDArray[np.int64]:
    """(Q, min(keep, C)) positions of the most similar candidates, best first.

    Equal scores are ordered by position, so the ranking depends on nothing but the embeddings.

    Args:
        queries_QD: float32.
        candidates_CD: float32.
        similarity: what is compared.
        keep: candidates kept a query, at least 1.
        device: where the products are made; None is the CPU.
        scores_at_once: bound on the score tile held at a time; one query's scores always fit.
    """
    if similarity is Similarity.COSINE:
        queries_QD, candidates_CD = normalised(queries_QD), normalised(candidates_CD)
    queries, candidates = (torch.from_numpy(each).to(device) for each in (queries_QD, candidates_CD))
    block = max(1, scores_at_once // max(1, len(candidates)))
    kept = min(keep, len(candidates))
    parts = (queries[start : start + block] for start in range(0, len(queries), block))
    ranked = [_best(score_matrix(part, candidates, similarity), kept).cpu() for part in parts]
    positions: NDArray[np.int64] = torch.cat(ranked).numpy()
    return positions


def _best(scores_QC: Tensor, kept: int) -> Tensor:
    """(Q, kept) positions by falling score, then rising position."""
    one_more = scores_QC.topk(min(kept + 1, scores_QC.shape[1]), dim=1)
    by_position = one_more.indices[:, :kept].sort(dim=1)
    scores_QK = one_more.values.gather(1, by_position.indices)
    by_score = scores_QK.sort(dim=1, descending=True, stable=True)
    ranked_QK = by_position.values.gather(1, by_score.indices)
    # topk picks any of the candidates that tie for the last place: those rows, seldom any, are sorted whole
    torn_Q = (one_more.values[:, kept:] == one_more.values[:, kept - 1 : kept]).any(dim=1)
    if torn_Q.any():
        ranked_QK[torn_Q] = scores_QC[torn_Q].sort(dim=1, descending=True, stable=True).indices[:, :kept]
    return ranked_QK
