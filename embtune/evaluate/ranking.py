"""The best candidates for each query, exactly, in bounded memory.

Legend: Q queries, C candidates, K candidates kept, D width, E pairs of a query and a candidate that do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embtune.catalog.choices import Similarity
from embtune.evaluate.scoring import Embeddings, Scores, normalised, score_matrix

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
    candidates = comparable(candidates_CD, similarity, device)
    block = max(1, scores_at_once // max(1, len(candidates)))
    parts = [np.empty((0, min(keep, len(candidates))), dtype=np.int64)]
    for start in range(0, len(queries_QD), block):
        best = BestSoFar(comparable(queries_QD[start : start + block], similarity, device), similarity, keep)
        best.add(candidates)
        parts.append(best.ranked().positions_QK)
    return np.concatenate(parts)


def comparable(vectors_ND: Embeddings, similarity: Similarity, device: torch.device | None = None) -> Tensor:
    """Vectors as `score_matrix` compares them, on the device: for COSINE at length 1."""
    scaled_ND = normalised(vectors_ND) if similarity is Similarity.COSINE else np.require(vectors_ND, requirements="W")
    return torch.from_numpy(scaled_ND).to(device)


@dataclass(frozen=True)
class Ranked:
    """The best candidates of each query by falling score, then rising position.

    positions_QK: (Q, K) int64. scores_QK: (Q, K) float32; -inf where a query has no further candidate.
    """

    positions_QK: NDArray[np.int64]
    scores_QK: Scores


class BestSoFar:
    """The best candidates of some queries, which are shown all candidates a block at a time, in their order.

    What is found does not depend on how candidates are cut into blocks, up to rounding.

    Args:
        queries_QD: as `comparable` gives them.
        similarity: what is compared.
        keep: candidates kept a query, at least 1.
    """

    def __init__(self, queries_QD: Tensor, similarity: Similarity, keep: int) -> None:
        self._queries_QD = queries_QD
        self._similarity = similarity
        self._keep = keep
        self._seen = 0
        self._scores_QK = queries_QD.new_empty((len(queries_QD), 0))
        self._positions_QK = torch.empty((len(queries_QD), 0), dtype=torch.int64, device=queries_QD.device)

    def add(self, candidates_CD: Tensor, excluded_E2: NDArray[np.int64] | None = None) -> None:
        """Show the next candidates.

        Args:
            candidates_CD: as `comparable` gives them, on the device of the queries.
            excluded_E2: the query and the candidate, counted from the first of these, of pairs that do not count.
        """
        scores_QC = score_matrix(self._queries_QD, candidates_CD, self._similarity)
        if excluded_E2 is not None and len(excluded_E2):
            pairs_2E = torch.from_numpy(excluded_E2).to(scores_QC.device).T
            scores_QC[pairs_2E[0], pairs_2E[1]] = -torch.inf
        wanted = self._wanted(scores_QC)
        if wanted:
            scores_QK, positions_QK = _best(scores_QC, wanted)
            self._merge(scores_QK, positions_QK + self._seen)
        self._seen += len(candidates_CD)

    def ranked(self) -> Ranked:
        """What is best of all candidates shown."""
        return Ranked(self._positions_QK.cpu().numpy(), self._scores_QK.cpu().numpy())

    def _wanted(self, scores_QC: Tensor) -> int:
        """How many of a block's candidates can be among the best of a query; most later blocks have few."""
        kept = min(self._keep, scores_QC.shape[1])
        if self._scores_QK.shape[1] < self._keep or not len(scores_QC):
            return kept
        # of equal scores the earlier one stays, so a candidate has to be better than the worst that is kept
        better_Q = (scores_QC > self._scores_QK[:, -1:]).sum(dim=1)
        return min(kept, int(better_Q.max()))

    def _merge(self, scores_QK: Tensor, positions_QK: Tensor) -> None:
        """The earlier ones stand first, and the sort leaves equal scores in their order."""
        scores = torch.cat([self._scores_QK, scores_QK], dim=1).sort(dim=1, descending=True, stable=True)
        positions_QK = torch.cat([self._positions_QK, positions_QK], dim=1).gather(1, scores.indices)
        self._scores_QK = scores.values[:, : self._keep]
        self._positions_QK = positions_QK[:, : self._keep]


def _best(scores_QC: Tensor, kept: int) -> tuple[Tensor, Tensor]:
    """(Q, kept) scores and positions by falling score, then rising position."""
    one_more = scores_QC.topk(min(kept + 1, scores_QC.shape[1]), dim=1)
    by_position = one_more.indices[:, :kept].sort(dim=1)
    scores_QK = one_more.values.gather(1, by_position.indices)
    by_score = scores_QK.sort(dim=1, descending=True, stable=True)
    ranked_QK = by_position.values.gather(1, by_score.indices)
    # topk picks any of the candidates that tie for the last place: those rows, seldom any, are sorted whole
    torn_Q = (one_more.values[:, kept:] == one_more.values[:, kept - 1 : kept]).any(dim=1)
    if torn_Q.any():
        ranked_QK[torn_Q] = scores_QC[torn_Q].sort(dim=1, descending=True, stable=True).indices[:, :kept]
    return by_score.values, ranked_QK
