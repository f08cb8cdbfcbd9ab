"""The distillation losses as plain loops over rows and passages, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from loss_reference import Columns, cosine, dot, length, log_of_sum, mean, similarity
from torch import Tensor

Numbers = Sequence[float]


def embed_distill(
    columns: Columns,
    labels: Sequence[Numbers] | Sequence[Sequence[Numbers]],
    *,
    distance_metric: str = "cosine",
    projection_dim: int | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    losses = []
    for place, role in enumerate(columns):
        for vector, label in zip(columns[role], labels, strict=True):
            target = torch.tensor(label, dtype=torch.float64)
            target = target if target.ndim == 1 else target[place]
            if weight is not None and bias is not None:
                assert len(weight) == projection_dim
                vector = torch.stack([dot(row, vector) + offset for row, offset in zip(weight, bias, strict=True)])
            losses.append(_apart(distance_metric, vector, target[: len(vector)]))
    return mean(losses)


def _apart(metric: str, vector: Tensor, target: Tensor) -> Tensor:
    if metric == "cosine":
        return 1 - cosine(vector, target)
    return length(vector - target) if metric == "l2" else mean([each**2 for each in vector - target])


def mse(columns: Columns, labels: Sequence[Numbers], **parameters: object) -> Tensor:
    distill: Callable[..., Tensor] = embed_distill
    return distill(columns, labels, distance_metric="mse", **parameters)


def _scores(columns: Columns, row: int, similarity_fct: str) -> list[Tensor]:
    passages = [role for role in columns if role != "anchor"]
    return [similarity(similarity_fct, columns["anchor"][row], columns[role][row]) for role in passages]


def margin_mse(columns: Columns, labels: Sequence[float | Numbers], *, similarity_fct: str = "dot") -> Tensor:
    losses = []
    for row, label in enumerate(labels):
        positive, *negatives = _scores(columns, row, similarity_fct)
        given = list(label) if isinstance(label, Sequence) else [label]
        wanted = given if len(given) == len(negatives) else [given[0] - score for score in given[1:]]
        losses += [(positive - near - margin) ** 2 for near, margin in zip(negatives, wanted, strict=True)]
    return mean(losses)


def distill_kl(
    columns: Columns,
    labels: Sequence[Numbers],
    *,
    similarity_fct: str = "dot",
    temperature: float = 1.0,
    student_temperature: float | None = None,
    teacher_temperature: float | None = None,
) -> Tensor:
    student, teacher = student_temperature or temperature, teacher_temperature or temperature
    losses = []
    for row, label in enumerate(labels):
        found = [score / student for score in _scores(columns, row, similarity_fct)]
        wanted = [torch.tensor(score, dtype=torch.float64) / teacher for score in label]
        divergence = torch.zeros((), dtype=torch.float64)
        for mine, theirs in zip(found, wanted, strict=True):
            share = (theirs - log_of_sum(wanted)).exp()
            if share > 0:
                divergence = divergence + share * (share.log() - (mine - log_of_sum(found)))
        losses.append(student**2 * divergence)
    return mean(losses)


LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "EmbedDistillLoss": embed_distill,
    "MSELoss": mse,
    "MarginMSELoss": margin_mse,
    "DistillKLDivLoss": distill_kl,
}
