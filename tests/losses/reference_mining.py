"""The losses that mine triplets, as loops over anchors, positives and negatives, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import loss_reference
import torch
from torch import Tensor

ZERO = torch.zeros((), dtype=torch.float64)


class Mined:
    """The rows of a batch and who is whose positive and negative."""

    def __init__(self, columns: Mapping[str, Sequence[Tensor]], labels: Sequence[float], metric: str) -> None:
        self.labels, self.rows = labels, range(len(labels))
        texts = columns["text"]
        self.distances = [[loss_reference.distance(metric, left, right) for right in texts] for left in texts]

    def apart(self, row: int, other: int) -> Tensor:
        return self.distances[row][other]

    def positives(self, anchor: int) -> list[int]:
        return [row for row in self.rows if self.labels[row] == self.labels[anchor] and row != anchor]

    def negatives(self, anchor: int) -> list[int]:
        return [row for row in self.rows if self.labels[row] != self.labels[anchor]]

    def triplets(self) -> list[tuple[int, int, int]]:
        return [(a, p, n) for a in self.rows for p in self.positives(a) for n in self.negatives(a)]

    def gap(self, anchor: int) -> Tensor:
        """Farthest positive minus nearest negative; 0 without a negative."""
        near = [self.apart(anchor, row) for row in self.negatives(anchor)]
        far = [self.apart(anchor, row) for row in self.positives(anchor)]
        return max(far, default=ZERO) - min(near) if near else ZERO

    def semi_hard(self, anchor: int, positive: int) -> Tensor:
        near = [self.apart(anchor, row) for row in self.negatives(anchor)]
        farther = [distance for distance in near if distance > self.apart(anchor, positive)]
        return min(farther) if farther else max(near, default=ZERO)


def above_zero(cost: Tensor) -> Tensor:
    return cost if cost > 0 else cost * 0


def batch_all(
    columns: loss_reference.Columns,
    labels: Sequence[float],
    *,
    distance_metric: str = "euclidean",
    margin: float = 5.0,
) -> Tensor:
    mined = Mined(columns, labels, distance_metric)
    costs = [above_zero(mined.apart(a, p) - mined.apart(a, n) + margin) for a, p, n in mined.triplets()]
    return sum(costs, ZERO) / max(1, sum(bool(cost > 1e-16) for cost in costs))


def batch_hard(
    columns: loss_reference.Columns,
    labels: Sequence[float],
    *,
    distance_metric: str = "euclidean",
    margin: float = 5.0,
) -> Tensor:
    mined = Mined(columns, labels, distance_metric)
    return loss_reference.mean([above_zero(mined.gap(anchor) + margin) for anchor in mined.rows])


def batch_hard_soft_margin(
    columns: loss_reference.Columns, labels: Sequence[float], *, distance_metric: str = "euclidean"
) -> Tensor:
    mined = Mined(columns, labels, distance_metric)
    return loss_reference.mean([(1 + mined.gap(anchor).exp()).log() for anchor in mined.rows])


def batch_semi_hard(
    columns: loss_reference.Columns,
    labels: Sequence[float],
    *,
    distance_metric: str = "euclidean",
    margin: float = 5.0,
) -> Tensor:
    mined = Mined(columns, labels, distance_metric)
    costs = [
        above_zero(mined.apart(a, p) - mined.semi_hard(a, p) + margin) for a in mined.rows for p in mined.positives(a)
    ]
    return sum(costs, ZERO) / max(1, len(costs))


LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "BatchAllTripletLoss": batch_all,
    "BatchHardTripletLoss": batch_hard,
    "BatchHardSoftMarginTripletLoss": batch_hard_soft_margin,
    "BatchSemiHardTripletLoss": batch_semi_hard,
}
