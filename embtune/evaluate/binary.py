"""Pairs labelled 1 (same) or 0: does a threshold on the similarity tell them apart?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.role_texts import embed_pair
from embtune.evaluate.scoring import Embeddings, Scores, pair_scores


class BinaryEvaluator(Evaluator):
    """Average precision, and the best accuracy and F1 that one threshold on the similarity reaches; all 0 to 1.

    A pair is called the same when its similarity is at least the threshold. `precision` and `recall` belong to
    `f1_threshold`. Thresholds lie midway between two neighbouring similarities; of equally good ones the highest is
    taken. Under a distance they are negative, as the similarity is.
    """

    word = EvaluatorName.BINARY
    metrics = ("ap", "accuracy", "accuracy_threshold", "f1", "f1_threshold", "precision", "recall")
    primary_metric = "ap"
    thresholds = frozenset({"accuracy_threshold", "f1_threshold"})

    def __init__(self, examples: Examples, similarity: Similarity = Similarity.COSINE) -> None:
        super().__init__(examples.name, similarity)
        self.examples = examples

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """Left and right texts, (N, D) each."""
        return embed_pair(encode, self.examples)

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """All measures over the N pairs."""
        left_ND, right_ND = embeddings
        scores_N = pair_scores(left_ND, right_ND, self.similarity)
        same_N = np.asarray(self.examples.labels) > 0
        return separation(scores_N, same_N)


def separation(scores_N: Scores, same_N: NDArray[np.bool_]) -> dict[str, float]:
    """How well the scores separate the pairs that are the same. Without one such pair everything about them is 0.0."""
    from sklearn.metrics import average_precision_score  # here: other runs have no use for sklearn's second

    cuts = _Cuts(scores_N, same_N)
    return {
        "ap": float(average_precision_score(same_N, scores_N)) if same_N.any() else 0.0,
        **cuts.best_accuracy(),
        **cuts.best_f1(),
    }


class _Cuts:
    """Every way to cut the ranked pairs in two. Cut k calls the pairs with the k highest distinct scores the same.

    thresholds, called, hits: (K + 1,) for K distinct scores, from "none is the same" to "all are"; hits are the called
    ones that are right.
    """

    def __init__(self, scores_N: Scores, same_N: NDArray[np.bool_]) -> None:
        order_N = np.argsort(-scores_N, kind="stable")
        ranked_N = scores_N[order_N]
        last_of_tie = np.flatnonzero(np.append(ranked_N[1:] != ranked_N[:-1], True))
        distinct_K = ranked_N[last_of_tie]
        above_all = np.nextafter(distinct_K[:1], np.float32(np.inf))
        self.thresholds = np.concatenate([above_all, _between(distinct_K[:-1], distinct_K[1:]), distinct_K[-1:]])
        self.called = np.concatenate([[0], last_of_tie + 1])
        self.hits = np.concatenate([[0], np.cumsum(same_N[order_N])[last_of_tie]])
        self.rows = len(scores_N)
        self.same = int(same_N.sum())

    def best_accuracy(self) -> dict[str, float]:
        """The highest share of pairs called rightly, and its threshold."""
        rightly_left_out = (self.rows - self.same) - (self.called - self.hits)
        accuracy = (self.hits + rightly_left_out) / self.rows
        best = int(np.argmax(accuracy))
        return {"accuracy": float(accuracy[best]), "accuracy_threshold": float(self.thresholds[best])}

    def best_f1(self) -> dict[str, float]:
        """The highest F1 = 2 hits / (called + same), its threshold, and precision and recall there."""
        f1 = 2 * self.hits / np.maximum(self.called + self.same, 1)
        best = int(np.argmax(f1))
        return {
            "f1": float(f1[best]),
            "f1_threshold": float(self.thresholds[best]),
            "precision": float(self.hits[best] / max(self.called[best], 1)),
            "recall": float(self.hits[best] / max(self.same, 1)),
        }


def _between(higher_K: Scores, lower_K: Scores) -> Scores:
    """Midpoints that are above the lower score in float32 too, where the midpoint of two neighbours is one of them."""
    midway_K = (higher_K + lower_K) / 2
    return np.where(midway_K > lower_K, midway_K, higher_K)
