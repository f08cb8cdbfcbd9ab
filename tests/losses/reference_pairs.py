"""AnglE, online contrastive, mega-batch margin and orthogonal regularisation as plain loops, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from loss_reference import Columns, cosine, distance, length, log_of_sum, mean, similarity
from torch import Tensor

ZERO = torch.zeros((), dtype=torch.float64)


def angle_similarity(a: Tensor, b: Tensor) -> Tensor:
    """As complex numbers: the halves of a vector are real and imaginary parts."""
    half = (len(a) + 1) // 2
    numbers = []
    for vector in (a / length(a), b / length(b)):
        padded = torch.cat([vector, vector.new_zeros(2 * half - len(vector))])
        numbers.append(torch.complex(padded[:half], padded[half:]))
    product = (numbers[0] * numbers[1].conj()).sum()
    return (product.real + product.imag).abs()


def angle(columns: Columns, labels: Sequence[float] | None = None, *, scale: float = 20.0) -> Tensor:
    if labels is None:
        pairs = [
            (a, b)
            for role in columns
            if role != "anchor"
            for a, b in zip(columns["anchor"], columns[role], strict=True)
        ]
        labels = [float(place < len(columns["anchor"])) for place in range(len(pairs))]
    else:
        pairs = list(zip(columns["sentence_A"], columns["sentence_B"], strict=True))
    near = [scale * angle_similarity(a, b) for a, b in pairs]
    differences = [
        low - high for low, y in zip(near, labels, strict=True) for high, z in zip(near, labels, strict=True) if y < z
    ]
    return log_of_sum([ZERO, *differences])


def online_contrastive(
    columns: Columns, labels: Sequence[float], *, distance_metric: str = "cosine", margin: float = 0.5
) -> Tensor:
    shift = 0 if distance_metric == "cosine" else 1e-6
    apart = [
        distance(distance_metric, a + shift, b)
        for a, b in zip(columns["sentence_A"], columns["sentence_B"], strict=True)
    ]
    near = [d for d, label in zip(apart, labels, strict=True) if label == 1]
    far = [d for d, label in zip(apart, labels, strict=True) if label == 0]
    limit_far = max(near) if near else sum(far, ZERO) / len(far)
    limit_near = min(far) if far else sum(near, ZERO) / len(near)
    pulled = [d**2 for d in near if d > limit_near]
    pushed = [(margin - d) ** 2 for d in far if d < limit_far and d < margin]
    return sum([*pulled, *pushed], ZERO)


def mega_batch_margin(columns: Columns, *, positive_margin: float = 0.8, negative_margin: float = 0.3) -> Tensor:
    losses = []
    for row, a in enumerate(columns["anchor"]):
        pull = positive_margin - cosine(a, columns["positive"][row])
        others = [cosine(a, p) - negative_margin for other, p in enumerate(columns["positive"]) if other != row]
        losses.append(sum([cost for cost in (pull, max(others)) if cost > 0], ZERO))
    return mean(losses)


def global_orthogonal_regularization(
    columns: Columns,
    *,
    similarity_fct: str = "cosine",
    mean_weight: float | None = 1.0,
    second_moment_weight: float | None = 1.0,
    aggregation: str = "mean",
) -> Tensor:
    costs = []
    for column in columns.values():
        near = [similarity(similarity_fct, a, b) for i, a in enumerate(column) for j, b in enumerate(column) if i != j]
        beyond = mean([s * s for s in near]) - 1 / len(column[0])
        costs.append(
            (mean_weight or 0) * mean(near) ** 2 + (second_moment_weight or 0) * (beyond if beyond > 0 else beyond * 0)
        )
    total = sum(costs, ZERO)
    return total if aggregation == "sum" else total / len(costs)


LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "AnglELoss": angle,
    "OnlineContrastiveLoss": online_contrastive,
    "MegaBatchMarginLoss": mega_batch_margin,
    "GlobalOrthogonalRegularizationLoss": global_orthogonal_regularization,
}
