"""Pairs of translations: is the nearest text of the other language a translation?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.ranking import rank_candidates
from embtune.evaluate.scoring import Embeddings


class TranslationEvaluator(Evaluator):
    """Share of texts whose nearest text on the other side is paired with them, both ways and their mean; all 0 to 1.

    Each distinct text is searched for once, among the distinct texts of the other side. A text that several rows
    translate differently has several right answers.
    """

    word = EvaluatorName.TRANSLATION
    metrics = ("accuracy", "accuracy_source_to_target", "accuracy_target_to_source")
    primary_metric = "accuracy"

    def __init__(self, examples: Examples, similarity: Similarity = Similarity.COSINE) -> None:
        super().__init__(examples.name, similarity)
        self.roles = examples.roles[:2]
        columns = [np.unique(examples.text_ids[role], return_inverse=True) for role in self.roles]
        self.texts = [[examples.texts[i] for i in distinct.tolist()] for distinct, _ in columns]
        self.pairs_N2 = np.stack([place_N.reshape(-1) for _, place_N in columns], axis=1)

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """The distinct sources (S, D) and the distinct targets (T, D)."""
        source, target = (encode(texts, role) for texts, role in zip(self.texts, self.roles, strict=True))
        return source, target

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """Both directions and their mean."""
        source_SD, target_TD = embeddings
        there = _accuracy(rank_candidates(source_SD, target_TD, self.similarity, keep=1), self.pairs_N2)
        back = _accuracy(rank_candidates(target_TD, source_SD, self.similarity, keep=1), self.pairs_N2[:, ::-1])
        return {
            "accuracy": (there + back) / 2,
            "accuracy_source_to_target": there,
            "accuracy_target_to_source": back,
        }


def _accuracy(nearest_Q1: NDArray[np.int64], pairs_N2: NDArray[np.int64]) -> float:
    """How many queries' nearest candidate is paired with them; `pairs_N2` are (query, candidate) numbers."""
    width = int(pairs_N2[:, 1].max()) + 1
    found_Q = np.arange(len(nearest_Q1)) * width + nearest_Q1[:, 0]
    return float(np.isin(found_Q, pairs_N2[:, 0] * width + pairs_N2[:, 1]).mean())
