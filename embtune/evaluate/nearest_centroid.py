"""Texts with a class: is a text nearer to its own class than to any other?"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.evaluate.evaluator import Encode, Evaluator
from embtune.evaluate.ranking import SCORES_AT_ONCE, rank_candidates
from embtune.evaluate.role_texts import embed_role
from embtune.evaluate.scoring import Embeddings, Scores, normalised, pair_scores, score_matrix

Classes = NDArray[np.int64]

_TIE = 1e-6  # a lead below this share of the similarity is rounding: a model that has collapsed is never right


class NearestCentroidEvaluator(Evaluator):
    """Share of texts that are nearest to the mean of their own class, and to a text of their own class; both 0 to 1.

    Everything is measured within the set, each text left out of its own class: the mean is that of the class's other
    texts, and the neighbour is another row. So neither training data nor a classifier is needed, and the set's classes
    need not be those of training. As near to another class's mean as to its own counts as wrong. Under cosine
    similarity texts have length 1 before they are averaged.

    A text that is alone of its class has no mean to be near to: it is not judged, yet stands as a class and as a
    neighbour to the others.
    """

    word = EvaluatorName.NEAREST_CENTROID
    metrics = ("nearest_centroid_accuracy", "nearest_neighbor_accuracy")
    primary_metric = "nearest_centroid_accuracy"

    def __init__(self, examples: Examples, similarity: Similarity = Similarity.COSINE) -> None:
        super().__init__(examples.name, similarity)
        self.examples = examples
        _, self.classes, self.sizes = np.unique(np.asarray(examples.labels), return_inverse=True, return_counts=True)
        self.judged = self.sizes[self.classes] > 1

    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """The texts (N, D)."""
        return (embed_role(encode, self.examples, "text"),)

    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """Both measures over the texts that are judged."""
        (texts_ND,) = embeddings
        texts_ND = normalised(texts_ND) if self.similarity is Similarity.COSINE else texts_ND
        right = (
            nearest_centroid_is_own(texts_ND, self.classes, self.sizes, self.similarity),
            nearest_neighbour_is_own(texts_ND, self.classes, self.similarity),
        )
        return {name: float(right_N[self.judged].mean()) for name, right_N in zip(self.metrics, right, strict=True)}


def nearest_centroid_is_own(
    texts_ND: Embeddings,
    classes_N: Classes,
    sizes_C: Classes,
    similarity: Similarity,
    scores_at_once: int = SCORES_AT_ONCE,
) -> NDArray[np.bool_]:
    """(N,) whether each text is more similar to the mean of the others of its class than to any other class's mean.

    Args:
        texts_ND: of length 1 for cosine.
        classes_N: 0 to C - 1.
        sizes_C: how many texts each class has; where one has a single text, the answer for that text means nothing.
        similarity: what is compared.
        scores_at_once: bound on the score tile held at a time.
    """
    sums_CD = np.zeros((len(sizes_C), texts_ND.shape[1]), dtype=np.float64)
    np.add.at(sums_CD, classes_N, texts_ND)
    others_N1 = np.maximum(sizes_C[classes_N] - 1, 1)[:, None]
    own_ND = ((sums_CD[classes_N] - texts_ND) / others_N1).astype(np.float32)
    means_CD = (sums_CD / sizes_C[:, None]).astype(np.float32)
    own_N = pair_scores(texts_ND, own_ND, similarity)
    block = max(1, scores_at_once // len(sizes_C))
    parts = (slice(start, start + block) for start in range(0, len(texts_ND), block))
    other_N = np.concatenate([_best_other(texts_ND[part], means_CD, classes_N[part], similarity) for part in parts])
    right_N: NDArray[np.bool_] = own_N - other_N > _TIE * np.abs(other_N)
    return right_N


def _best_other(texts_RD: Embeddings, means_CD: Embeddings, classes_R: Classes, similarity: Similarity) -> Scores:
    """(R,) the similarity of some texts to the most similar mean of another class."""
    means_CD = normalised(means_CD) if similarity is Similarity.COSINE else means_CD
    scores_RC = score_matrix(torch.from_numpy(texts_RD), torch.from_numpy(means_CD), similarity).numpy()
    scores_RC[np.arange(len(scores_RC)), classes_R] = -np.inf
    best_R: Scores = scores_RC.max(axis=1)
    return best_R


def nearest_neighbour_is_own(texts_ND: Embeddings, classes_N: Classes, similarity: Similarity) -> NDArray[np.bool_]:
    """(N,) whether each text's most similar other text is of its class; of equally similar ones the first counts."""
    nearest_N2 = rank_candidates(texts_ND, texts_ND, similarity, keep=2)
    is_itself_N = nearest_N2[:, 0] == np.arange(len(texts_ND))
    neighbours_N = np.where(is_itself_N, nearest_N2[:, -1], nearest_N2[:, 0])
    own: NDArray[np.bool_] = classes_N[neighbours_N] == classes_N
    return own
