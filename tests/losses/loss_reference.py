"""Every loss as plain loops over rows, in float64, from its formula alone. Slow, obvious, independent of embtune.

Columns are lists of B vectors (D,), by role; labels are numbers. Each function returns a float64 scalar that autograd
can differentiate. A zero vector has cosine 0 with everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

Columns = Mapping[str, Sequence[Tensor]]
Presence = Mapping[str, Sequence[bool]]


def dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum()


def length(a: Tensor) -> Tensor:
    squared = dot(a, a)
    return squared.sqrt() if squared > 0 else squared


def cosine(a: Tensor, b: Tensor) -> Tensor:
    product = length(a) * length(b)
    return dot(a, b) / product if product > 0 else product.detach()


def similarity(name: str, a: Tensor, b: Tensor) -> Tensor:
    if name == "cosine":
        return cosine(a, b)
    if name == "dot":
        return dot(a, b)
    return -length(a - b) if name == "euclidean" else -(a - b).abs().sum()


def distance(name: str, a: Tensor, b: Tensor) -> Tensor:
    return 1 - cosine(a, b) if name == "cosine" else -similarity(name, a, b)


def log_of_sum(logits: Sequence[Tensor]) -> Tensor:
    return sum((logit.exp() for logit in logits), torch.zeros((), dtype=torch.float64)).log()


def mean(values: Sequence[Tensor]) -> Tensor:
    return sum(values, torch.zeros((), dtype=torch.float64)) / len(values)


def multiple_negatives_ranking(
    columns: Columns,
    *,
    scale: float = 20.0,
    similarity_fct: str = "cosine",
    directions: Sequence[str] = ("query_to_doc",),
    partition_mode: str = "joint",
    hardness_mode: str | None = None,
    hardness_strength: float = 0.0,
    present: Presence | None = None,
) -> Tensor:
    queries, positives = columns["anchor"], columns["positive"]
    documents = [
        (row, role, vector)
        for role in columns
        if role != "anchor"
        for row, vector in enumerate(columns[role])
        if present is None or role not in present or present[role][row]
    ]

    def is_hard(row: int, owner: int, role: str) -> bool:
        others, own_negative = owner != row, owner == row and role != "positive"
        chosen = {"in_batch_negatives": others, "hard_negatives": own_negative, "all_negatives": others or own_negative}
        return hardness_mode is not None and chosen[hardness_mode]

    def logits(direction: str, row: int) -> list[Tensor]:
        found = []
        if direction == "query_to_doc":
            for owner, role, vector in documents:
                near = similarity(similarity_fct, queries[row], vector)
                extra = hardness_strength * near.detach() if is_hard(row, owner, role) else 0.0
                found.append(scale * near + extra)
        if direction == "query_to_query":
            others = [query for other, query in enumerate(queries) if other != row]
            found = [scale * similarity(similarity_fct, queries[row], query) for query in others]
        if direction == "doc_to_query":
            found = [scale * similarity(similarity_fct, positives[row], query) for query in queries]
        if direction == "doc_to_doc":
            foreign = [vector for owner, _, vector in documents if owner != row]
            found = [scale * similarity(similarity_fct, positives[row], vector) for vector in foreign]
        return found

    losses = []
    for row, query in enumerate(queries):
        parts = [logits(direction, row) for direction in directions]
        joint = [logit for part in parts for logit in part]
        log_z = log_of_sum(joint) if partition_mode == "joint" else mean([log_of_sum(part) for part in parts])
        losses.append(log_z - scale * similarity(similarity_fct, query, positives[row]))
    return mean(losses)


def symmetric_ranking(columns: Columns, *, scale: float = 20.0) -> Tensor:
    directions = ("query_to_doc", "doc_to_query")
    return multiple_negatives_ranking(columns, scale=scale, directions=directions, partition_mode="per_direction")


def cosent(columns: Columns, labels: Sequence[float], *, scale: float = 20.0, similarity_fct: str = "cosine") -> Tensor:
    pairs = zip(columns["sentence_A"], columns["sentence_B"], strict=True)
    near = [similarity(similarity_fct, a, b) for a, b in pairs]
    total = torch.ones((), dtype=torch.float64)
    for low, low_label in zip(near, labels, strict=True):
        for high, high_label in zip(near, labels, strict=True):
            if low_label < high_label:
                total = total + (scale * (low - high)).exp()
    return total.log()


def cosine_similarity(
    columns: Columns, labels: Sequence[float], *, loss_fct: str = "mse", cos_score_transformation: str = "identity"
) -> Tensor:
    def transformed(value: Tensor) -> Tensor:
        squashed = 1 / (1 + (-value).exp())
        halved = 0.5 + value / 2
        relu = value if value > 0 else value * 0
        return {"identity": value, "relu": relu, "sigmoid": squashed, "unit_interval": halved}[cos_score_transformation]

    def cost(difference: Tensor) -> Tensor:
        size = difference if difference > 0 else -difference
        smooth = difference**2 / 2 if size < 1 else size - 0.5
        return {"mse": difference**2, "l1": size, "smooth_l1": smooth}[loss_fct]

    rows = zip(columns["sentence_A"], columns["sentence_B"], labels, strict=True)
    return mean([cost(transformed(cosine(a, b)) - label) for a, b, label in rows])


def triplet(columns: Columns, *, distance_metric: str = "euclidean", triplet_margin: float = 5.0) -> Tensor:
    (negative,) = (role for role in columns if role.startswith("negative"))
    losses = []
    for a, p, n in zip(columns["anchor"], columns["positive"], columns[negative], strict=True):
        cost = distance(distance_metric, a, p) - distance(distance_metric, a, n) + triplet_margin
        losses.append(cost if cost > 0 else cost * 0)
    return mean(losses)


def contrastive(
    columns: Columns,
    labels: Sequence[float],
    *,
    distance_metric: str = "cosine",
    margin: float = 0.5,
    size_average: bool = True,
) -> Tensor:
    losses = []
    for a, b, label in zip(columns["sentence_A"], columns["sentence_B"], labels, strict=True):
        shifted = a if distance_metric == "cosine" else a + 1e-6
        apart = distance(distance_metric, shifted, b)
        missing = margin - apart if apart < margin else apart * 0
        losses.append((label * apart**2 + (1 - label) * missing**2) / 2)
    return mean(losses) * (1 if size_average else len(losses))


def softmax(
    columns: Columns,
    labels: Sequence[float],
    *,
    weight: Tensor,
    bias: Tensor,
    concatenation_sent_rep: bool = True,
    concatenation_sent_difference: bool = True,
    concatenation_sent_multiplication: bool = False,
) -> Tensor:
    losses = []
    for a, b, label in zip(columns["sentence_A"], columns["sentence_B"], labels, strict=True):
        seen = [a, b] if concatenation_sent_rep else []
        seen += [(a - b).abs()] if concatenation_sent_difference else []
        seen += [a * b] if concatenation_sent_multiplication else []
        features = torch.cat(seen)
        logits = [dot(row, features) + offset for row, offset in zip(weight, bias, strict=True)]
        losses.append(log_of_sum(logits) - logits[int(label)])
    return mean(losses)


def matryoshka(
    columns: Columns, dims: Sequence[int], weights: Sequence[float] | None, inner: Callable[[Columns, int], Tensor]
) -> Tensor:
    def cut(vector: Tensor, dim: int) -> Tensor:
        return vector[:dim] / length(vector[:dim])

    total = torch.zeros((), dtype=torch.float64)
    for dim, weight in zip(dims, weights or [1.0] * len(dims), strict=True):
        total = total + weight * inner({role: [cut(v, dim) for v in columns[role]] for role in columns}, dim)
    return total


LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "MultipleNegativesRankingLoss": multiple_negatives_ranking,
    "MultipleNegativesSymmetricRankingLoss": symmetric_ranking,
    "CoSENTLoss": cosent,
    "CosineSimilarityLoss": cosine_similarity,
    "TripletLoss": triplet,
    "ContrastiveLoss": contrastive,
    "SoftmaxLoss": softmax,
}
