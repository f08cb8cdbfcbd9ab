"""Scored pairs: does the similarity of the embeddings order the pairs as the labels do?"""

from __future__ import annotations

import numpy as np

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.role_texts import embed_pair
from embtune.evaluate.scoring import Embeddings, Scores, pair_scores


class SimilarityEvaluator(Evaluator):
    """Spearman and Pearson correlation of similarity and label, -1 to 1.

    When all pairs have the same similarity (a collapsed model), or the same label, no correlation is defined; both are
    0.0 then.
    """

    word = EvaluatorName.SIMILARITY
    metrics = ("spearman", "pearson")
    primary_metric = "spearman"

    def __init__(self, examples: Examples, similarity: Similarity = Similarity.COSINE) -> None:
        super().__init__(examples.name, similarity)
        self.examples = examples

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """Left and right texts, (N, D) each."""
        return embed_pair(encode, self.examples)

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """Correlations over the N pairs."""
        left_ND, right_ND = embeddings
        scores_N = pair_scores(left_ND, right_ND, self.similarity)
        labels_N = np.asarray(self.examples.labels, dtype=np.float64)
        return correlations(scores_N, labels_N)


def correlations(scores_N: Scores, labels_N: np.ndarray) -> dict[str, float]:
    """Spearman and Pearson of two columns; 0.0 where either is constant."""
    if len(scores_N) < 2 or np.ptp(scores_N) == 0 or np.ptp(labels_N) == 0:
        return {"spearman": 0.0, "pearson": 0.0}
    from scipy.stats import pearsonr, spearmanr  # here: other runs have no use for scipy's half second

    wide_N = scores_N.astype(np.float64)  # float32 sums lose digits when the scores are nearly constant
    return {
        "spearman": float(spearmanr(wide_N, labels_N).statistic),
        "pearson": float(pearsonr(wide_N, labels_N).statistic),
    }
