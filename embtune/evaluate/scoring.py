"""How alike two embeddings are: one number, higher is more alike, for each similarity a model may name.

Distances count negatively.

Legend: N pairs, Q queries, C candidates, D width.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embtune.catalog.choices import Similarity

Embeddings = NDArray[np.float32]
Scores = NDArray[np.float32]

_SMALLEST_NORM = 1e-12  # a zero vector has cosine 0 with everything, not NaN


def normalised(embeddings_ND: Embeddings) -> Embeddings:
    """Each row at length 1; zero rows stay zero."""
    lengths_N1 = np.linalg.norm(embeddings_ND, axis=1, keepdims=True)
    scaled: Embeddings = embeddings_ND / np.maximum(lengths_N1, _SMALLEST_NORM)
    return scaled


def truncated(embeddings_ND: Embeddings, dim: int | None) -> Embeddings:
    """The first `dim` values of each row, at length 1 again; None is the full width, untouched.

    Raises:
        ValueError: the embeddings are narrower than `dim`.
    """
    if dim is None:
        return embeddings_ND
    if dim > embeddings_ND.shape[1]:
        raise ValueError(f"embeddings of width {embeddings_ND.shape[1]} cannot be cut to {dim}")
    return normalised(embeddings_ND[:, :dim])


def pair_scores(left_ND: Embeddings, right_ND: Embeddings, similarity: Similarity) -> Scores:
    """(N,) the similarity of row i on the left with row i on the right."""
    match similarity:
        case Similarity.COSINE:
            scores_N = np.einsum("nd,nd->n", normalised(left_ND), normalised(right_ND))
        case Similarity.DOT:
            scores_N = np.einsum("nd,nd->n", left_ND, right_ND)
        case Similarity.EUCLIDEAN:
            scores_N = -np.linalg.norm(left_ND - right_ND, axis=1)
        case Similarity.MANHATTAN:
            scores_N = -np.abs(left_ND - right_ND).sum(axis=1)
    return np.asarray(scores_N, dtype=np.float32)


def score_matrix(queries_QD: Tensor, candidates_CD: Tensor, similarity: Similarity) -> Tensor:
    """(Q, C) the similarity of every query with every candidate. For COSINE both must be normalised already."""
    match similarity:
        case Similarity.COSINE | Similarity.DOT:
            return queries_QD @ candidates_CD.T
        case Similarity.EUCLIDEAN:
            # the faster way by a matrix product loses the digits that order near neighbours
            return -torch.cdist(queries_QD, candidates_CD, compute_mode="donot_use_mm_for_euclid_dist")
        case Similarity.MANHATTAN:
            return -torch.cdist(queries_QD, candidates_CD, p=1.0)
