"""How near two embeddings are, for all losses. Legend: B rows, R rows of a block, C columns, D width.

A zero vector (the static embedding of an empty text) has no direction: its cosine with anything is 0 and it gets no
gradient. Sentence Transformers gives the same value and a gradient of about 1e12.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from embtune.catalog.choices import Similarity

# Norms below the floor count as the floor. It differs by the torch function a loss has in Sentence Transformers.
NORMALIZE_FLOOR = 1e-12  # torch.nn.functional.normalize
COSINE_FLOOR = 1e-8  # torch.nn.functional.cosine_similarity


def norms(vectors: Tensor, order: int = 2) -> Tensor:
    """(...,) L1 or L2 norms of `vectors` (..., D); a zero vector gets no gradient."""
    result: Tensor = torch.linalg.vector_norm(vectors, ord=order, dim=-1)
    return result


def unit_vectors(vectors: Tensor, floor: float = NORMALIZE_FLOOR) -> Tensor:
    """`vectors` (..., D) at length 1, as `F.normalize` gives them; those shorter than `floor` get no gradient.

    Differentiable once: the derivative, (g - u (u . g)) / length, is written out in two passes over the vectors, where
    torch's own takes seven.
    """
    unit: Tensor = _UnitVectors.apply(vectors, floor)  # type: ignore[no-untyped-call]
    return unit


class _UnitVectors(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, floor: float) -> Tensor:  # noqa: ANN401
        lengths = norms(vectors).unsqueeze(-1)
        unit = vectors / lengths.clamp_min(floor)  # times the inverse would round twice
        ctx.save_for_backward(unit, torch.where(lengths > floor, 1 / lengths, 0.0))
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (grad,), (unit, inverse) = grad_outputs, ctx.saved_tensors
        along = torch.linalg.vecdot(unit, grad).unsqueeze(-1)
        return torch.addcmul(grad, unit, along, value=-1).mul_(inverse), None


def widest_spread(similarity: Similarity) -> float:
    """The most that two similarities can differ; infinite where they have no bounds."""
    return 2.0 if similarity is Similarity.COSINE else math.inf


def prepared(similarity: Similarity, vectors_BD: Tensor) -> Tensor:
    """What `similarity_matrix` wants of each side, made once for the batch and not once a block."""
    return unit_vectors(vectors_BD) if similarity is Similarity.COSINE else vectors_BD


def similarity_matrix(similarity: Similarity, left_RD: Tensor, right_CD: Tensor) -> Tensor:
    """(R, C) similarities of `prepared` vectors. Distances enter with a minus sign."""
    if similarity is Similarity.EUCLIDEAN:
        return -torch.cdist(left_RD, right_CD, p=2.0)
    if similarity is Similarity.MANHATTAN:
        return -torch.cdist(left_RD, right_CD, p=1.0)
    return left_RD @ right_CD.T


def row_similarities(similarity: Similarity, left_BD: Tensor, right_BD: Tensor) -> Tensor:
    """(B,) similarities of the vectors as they are, row with row."""
    if similarity is Similarity.EUCLIDEAN:
        return -norms(left_BD - right_BD)
    if similarity is Similarity.MANHATTAN:
        return -norms(left_BD - right_BD, order=1)
    return (prepared(similarity, left_BD) * prepared(similarity, right_BD)).sum(dim=-1)


def row_cosines(left_BD: Tensor, right_BD: Tensor, floor: float = NORMALIZE_FLOOR) -> Tensor:
    """(B,) cosines, row with row, with norms floored at `floor`."""
    return (unit_vectors(left_BD, floor) * unit_vectors(right_BD, floor)).sum(dim=-1)
