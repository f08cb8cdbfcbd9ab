import numpy as np
import pytest
from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator
from vectors import Vectors, examples, random_vectors, words

from embtune.catalog.choices import Similarity
from embtune.catalog.spec import LabelKind
from embtune.evaluate.similarity import SimilarityEvaluator, correlations

LEFT, RIGHT = words("a", 60), words("b", 60)


@pytest.mark.parametrize("similarity", Similarity)
@pytest.mark.parametrize("dim", [None, 5])
def test_correlations_equal_sentence_transformers(similarity: Similarity, dim: int | None) -> None:
    vectors = random_vectors(LEFT + RIGHT, 4)
    labels = np.random.default_rng(5).uniform(size=60).round(1).tolist()  # with ties
    data = examples({"sentence_A": LEFT, "sentence_B": RIGHT}, labels, LabelKind.SCORE)
    ours = SimilarityEvaluator(data, similarity).run(vectors, [dim])
    model = vectors if dim is None else cut(vectors, dim)
    theirs = EmbeddingSimilarityEvaluator(LEFT, RIGHT, labels)(model.sentence_transformer(similarity))
    prefix = "dev" if dim is None else f"dev@{dim}"
    for metric in ("spearman", "pearson"):
        assert ours[f"{prefix}/{metric}"] == pytest.approx(theirs[f"{metric}_{similarity.value}"], abs=1e-6)


def cut(vectors: Vectors, dim: int) -> Vectors:
    """The first `dim` values of each vector, at length 1."""
    return Vectors({t: v[:dim] / np.linalg.norm(v[:dim]) for t, v in vectors.table.items()}, [])


def test_spearman_by_hand() -> None:
    # ranks 1 2 3 4 against 2 1 3 4: 1 - 6 * (1 + 1) / (4 * 15) = 0.8
    values = correlations(np.array([0.1, 0.2, 0.5, 0.9], np.float32), np.array([0.3, 0.1, 0.6, 0.7]))
    assert values["spearman"] == pytest.approx(0.8)


def test_a_collapsed_model_constant_labels_and_one_row_give_zero() -> None:
    same, rising = np.full(4, 0.5, np.float32), np.arange(4, dtype=np.float32)
    zero = {"spearman": 0.0, "pearson": 0.0}
    assert correlations(same, rising.astype(np.float64)) == zero
    assert correlations(rising, same.astype(np.float64)) == zero
    assert correlations(rising[:1], np.ones(1)) == zero
