import numpy as np
import pytest
import torch
from sentence_transformers.util import (
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
)

from embtune.catalog.choices import Similarity
from embtune.evaluate.scoring import normalised, pair_scores, score_matrix, truncated

ORACLES = {
    Similarity.COSINE: pairwise_cos_sim,
    Similarity.DOT: pairwise_dot_score,
    Similarity.EUCLIDEAN: pairwise_euclidean_sim,
    Similarity.MANHATTAN: pairwise_manhattan_sim,
}


def two(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(40, 9)).astype(np.float32), generator.normal(size=(40, 9)).astype(np.float32)


@pytest.mark.parametrize("similarity", Similarity)
def test_pair_scores_equal_sentence_transformers(similarity: Similarity) -> None:
    left, right = two(0)
    np.testing.assert_allclose(pair_scores(left, right, similarity), ORACLES[similarity](left, right), atol=1e-5)


@pytest.mark.parametrize("similarity", Similarity)
def test_the_matrix_has_the_pair_scores_in_its_diagonal(similarity: Similarity) -> None:
    left, right = (normalised(each) for each in two(1))
    matrix = score_matrix(torch.from_numpy(left), torch.from_numpy(right), similarity).numpy()
    np.testing.assert_allclose(np.diagonal(matrix), pair_scores(left, right, similarity), atol=1e-5)


def test_a_zero_vector_is_like_nothing_and_gives_no_nan() -> None:
    zero, other = np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)
    assert pair_scores(zero, other, Similarity.COSINE).tolist() == [0.0]


def test_cut_embeddings_are_the_first_values_at_length_one() -> None:
    cut = truncated(np.array([[3.0, 4.0, 12.0]], np.float32), 2)
    np.testing.assert_allclose(cut, [[0.6, 0.8]], rtol=1e-6)


def test_the_full_width_is_untouched() -> None:
    left, _ = two(2)
    assert truncated(left, None) is left


def test_embeddings_cannot_be_cut_to_more_than_they_have() -> None:
    with pytest.raises(ValueError, match="width 9 cannot be cut to 10"):
        truncated(two(3)[0], 10)
