"""Queries and a corpus: do the relevant documents come first?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.retrieval import RetrievalSet
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.ranking import rank_candidates
from embtune.evaluate.ranking_measures import (
    Judged,
    accuracy,
    average_precision,
    ndcg,
    recall,
    reciprocal_rank,
)
from embtune.evaluate.scoring import Embeddings

_DEPTH = 100  # the deepest rank any measure reads
_MEASURES: Mapping[str, tuple[Callable[[Judged, int], float], int]] = {
    "ndcg@10": (ndcg, 10),
    "mrr@10": (reciprocal_rank, 10),
    "map@100": (average_precision, 100),
    **{f"accuracy@{k}": (accuracy, k) for k in (1, 3, 5, 10)},
    **{f"recall@{k}": (recall, k) for k in (1, 5, 10, 100)},
}


class RetrievalEvaluator(Evaluator):
    """nDCG, MRR, MAP, accuracy and recall over the whole corpus, exact search; all 0 to 1.

    Documents with equal similarity rank in corpus order.
    Relevance may be graded: nDCG takes it as gain, the others as relevant (above 0) or not.

    Args:
        dataset: queries, corpus and judgements.
        similarity: what is compared.
        query_role: the role queries are encoded under, hence their prompt.
        document_role: the role documents are encoded under.
        device: where the search runs; None is the CPU.
    """

    word = EvaluatorName.RETRIEVAL
    metrics = tuple(_MEASURES)
    primary_metric = "ndcg@10"

    def __init__(
        self,
        dataset: RetrievalSet,
        similarity: Similarity = Similarity.COSINE,
        query_role: str = "query",
        document_role: str = "document",
        device: torch.device | None = None,
    ) -> None:
        super().__init__(dataset.name, similarity)
        self.query_role = query_role
        self.document_role = document_role
        self.device = device
        self.documents = list(dataset.corpus.values())
        self.queries = list(dataset.queries.values())
        positions = {document: position for position, document in enumerate(dataset.corpus)}
        self.relevances = [
            {positions[document]: relevance for document, relevance in dataset.qrels[query].items()}
            for query in dataset.queries
        ]

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """Queries (Q, D) and documents (C, D)."""
        return encode(self.queries, self.query_role), encode(self.documents, self.document_role)

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """All measures, means over the queries."""
        queries_QD, documents_CD = embeddings
        ranked_QK = rank_candidates(queries_QD, documents_CD, self.similarity, _DEPTH, self.device)
        judged = judge(ranked_QK, self.relevances)
        return {metric: function(judged, k) for metric, (function, k) in _MEASURES.items()}


def judge(ranked_QK: NDArray[np.int64], relevances: list[dict[int, int]]) -> Judged:
    """Look each ranked position up in its query's {position: relevance > 0}."""
    gains_QK = np.array(
        [
            [found.get(position, 0) for position in row]
            for row, found in zip(ranked_QK.tolist(), relevances, strict=True)
        ],
        dtype=np.float64,
    )
    ideal_QK = np.zeros((len(relevances), _DEPTH))
    for row, found in zip(ideal_QK, relevances, strict=True):
        best = sorted(found.values(), reverse=True)[:_DEPTH]
        row[: len(best)] = best
    return Judged(gains_QK, ideal_QK, np.array([len(found) for found in relevances], dtype=np.float64))
