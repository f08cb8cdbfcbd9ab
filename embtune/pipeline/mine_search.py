"""From texts to the candidates near each anchor: embedded once, kept on disk, compared block by block.

Legend: A anchors, P pairs of an anchor and a positive, E pairs of an anchor and a candidate that it must not get,
Q anchors of a block, C candidates of a block, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from embtune.catalog.choices import Similarity
from embtune.data.hard_negatives import Candidates
from embtune.evaluate.ranking import SCORES_AT_ONCE, BestSoFar, comparable
from embtune.evaluate.scoring import pair_scores
from embtune.model.vector_files import VectorParts

Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class Search:
    """What is looked for among what.

    anchors, documents: vectors. The first `candidates` documents can be negatives; behind them stand positives that
        are no candidates.
    positives_P2: anchor and document, by rising anchor; every anchor has one.
    excluded_E2: anchor and candidate, by rising anchor.
    keep: candidates found for each anchor, at most.
    """

    anchors: VectorParts
    documents: VectorParts
    candidates: int
    positives_P2: Pairs
    excluded_E2: Pairs
    similarity: Similarity
    keep: int
    device: torch.device

    def __iter__(self) -> Iterator[Candidates]:
        """Block after block of anchors, in their order; each reads all documents once."""
        block = max(1, SCORES_AT_ONCE // max(self.documents.rows, self.keep))
        first = 0
        for part_AD in self.anchors:
            for start in range(0, len(part_AD), block):
                queries_QD = part_AD[start : start + block]
                yield self._near(queries_QD, first)
                first += len(queries_QD)

    def _near(self, queries_QD: NDArray[np.float32], first: int) -> Candidates:
        positives_P2 = _of_block(self.positives_P2, first, len(queries_QD))
        excluded_E2 = _of_block(self.excluded_E2, first, len(queries_QD))
        best = BestSoFar(comparable(queries_QD, self.similarity, self.device), self.similarity, self.keep)
        positive_P = np.empty(len(positives_P2), dtype=np.float32)
        start = 0
        for documents_CD in self.documents:
            candidates_CD = documents_CD[: max(0, self.candidates - start)]
            if len(candidates_CD):
                here_E = _among(excluded_E2, start, len(candidates_CD))
                best.add(
                    comparable(candidates_CD, self.similarity, self.device), _counted(excluded_E2[here_E], 0, start)
                )
            here_P = _among(positives_P2, start, len(documents_CD))
            anchor_P, document_P = _counted(positives_P2[here_P], 0, start).T
            positive_P[here_P] = pair_scores(queries_QD[anchor_P], documents_CD[document_P], self.similarity)
            start += len(documents_CD)
        found = best.ranked()
        return Candidates(first, found.positions_QK, found.scores_QK, positives_P2, positive_P)


def _of_block(pairs: Pairs, first: int, count: int) -> Pairs:
    """Those of some anchors, which are counted from the first of them."""
    start, end = np.searchsorted(pairs[:, 0], [first, first + count])
    return _counted(pairs[start:end], first, 0)


def _counted(pairs: Pairs, first_anchor: int, first_document: int) -> Pairs:
    """The same pairs, their numbers counted from these."""
    counted: Pairs = pairs - np.array([first_anchor, first_document])
    return counted


def _among(pairs: Pairs, start: int, count: int) -> NDArray[np.bool_]:
    """Which pairs have one of some documents."""
    return (pairs[:, 1] >= start) & (pairs[:, 1] < start + count)
