from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from embtune.catalog.choices import Distance, Similarity
from embtune.losses.distance import row_distances
from embtune.losses.similarity import (
    COSINE_FLOOR,
    prepared,
    row_cosines,
    row_similarities,
    similarity_matrix,
    unit_vectors,
)


@pytest.mark.parametrize("size", [1.0, 1e-9, 1e-13, 0.0])
def test_unit_vectors_have_the_values_of_torch_normalize(size: float) -> None:
    vectors = size * torch.randn(3, 5, dtype=torch.float64)
    torch.testing.assert_close(unit_vectors(vectors), F.normalize(vectors, dim=-1), rtol=1e-14, atol=0)


def test_unit_vectors_have_the_gradients_of_torch_normalize() -> None:
    vectors, weights = torch.randn(2, 3, 5, requires_grad=True), torch.randn(2, 3, 5)
    (found,) = torch.autograd.grad((unit_vectors(vectors) * weights).sum(), vectors)
    (wanted,) = torch.autograd.grad((F.normalize(vectors, dim=-1) * weights).sum(), vectors)
    torch.testing.assert_close(found, wanted)


def test_a_vector_below_the_floor_gets_no_gradient() -> None:
    vectors = torch.tensor([[0.0, 0.0], [1e-20, 0.0], [3.0, 4.0]], requires_grad=True)
    unit_vectors(vectors).sum().backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert vectors.grad[:2].tolist() == [[0, 0], [0, 0]]
    assert vectors.grad[2].any()


@pytest.mark.parametrize("size", [1.0, 1e-9])
def test_row_cosines_equal_torch_cosine_similarity(size: float) -> None:
    left, right = size * torch.randn(4, 6, dtype=torch.float64), torch.randn(4, 6, dtype=torch.float64)
    torch.testing.assert_close(row_cosines(left, right, COSINE_FLOOR), F.cosine_similarity(left, right))


@pytest.mark.parametrize("similarity", list(Similarity))
def test_matrix_and_row_similarities_agree(similarity: Similarity) -> None:
    left, right = torch.randn(5, 6, dtype=torch.float64), torch.randn(5, 6, dtype=torch.float64)
    matrix = similarity_matrix(similarity, prepared(similarity, left), prepared(similarity, right))
    torch.testing.assert_close(matrix.diagonal(), row_similarities(similarity, left, right))


@pytest.mark.parametrize(("metric", "order"), [(Distance.EUCLIDEAN, 2), (Distance.MANHATTAN, 1)])
def test_an_offset_gives_the_distance_of_torch_pairwise_distance(metric: Distance, order: int) -> None:
    left, right = torch.randn(4, 6), torch.randn(4, 6)
    found = row_distances(metric, left, right, offset=1e-6)
    torch.testing.assert_close(found, F.pairwise_distance(left, right, p=order))


@pytest.mark.parametrize("metric", list(Distance))
def test_equal_vectors_are_no_distance_apart(metric: Distance) -> None:
    vectors = torch.tensor([[3.0, 4.0]], requires_grad=True)
    row_distances(metric, vectors, vectors.detach()).sum().backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert vectors.grad.abs().max() < 1e-6
