"""Losses without labels as plain loops, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from loss_reference import Columns, dot, log_of_sum, similarity
from torch import Tensor


def contrastive_tension(columns: Columns, labels: Sequence[float]) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for a, b, label in zip(columns["sentence_A"], columns["sentence_B"], labels, strict=True):
        near = dot(a, b)
        total = total + (1 + (-near if label else near).exp()).log()
    return total


def contrastive_tension_in_batch(
    columns: Columns, *, scale: float = 20.0, similarity_fct: str = "cosine", logit_scale: Tensor | None = None
) -> Tensor:
    twins, models = columns["twin"], columns["model"]
    assert logit_scale is None or math.isclose(float(logit_scale), math.log(scale), abs_tol=1e-6)
    total = torch.zeros((), dtype=torch.float64)
    for row in range(len(twins)):
        along = [scale * similarity(similarity_fct, twins[row], model) for model in models]
        across = [scale * similarity(similarity_fct, twin, models[row]) for twin in twins]
        total = total + log_of_sum(along) - along[row] + log_of_sum(across) - across[row]
    return total / (2 * len(twins))


LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "ContrastiveTensionLoss": contrastive_tension,
    "ContrastiveTensionLossInBatchNegatives": contrastive_tension_in_batch,
}
