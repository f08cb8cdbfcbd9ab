"""A classifier of pairs that is trained beside the model. Legend: B rows, D width, N classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class PairFeatures:
    """What a head sees of a pair: a and b themselves, |a - b|, a * b."""

    both: bool
    difference: bool
    product: bool

    @property
    def count(self) -> int:
        """How many vectors of the embeddings' width that is."""
        return 2 * self.both + self.difference + self.product

    def of(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """(B, count * D), in that order."""
        parts = [left_BD, right_BD] if self.both else []
        if self.difference:
            parts.append((left_BD - right_BD).abs())
        if self.product:
            parts.append(left_BD * right_BD)
        return torch.cat(parts, dim=1)


class PairHead(nn.Module):
    """A linear map from what it sees of a pair to a score for each class.

    Evaluation and saving find an objective's heads by their type (`pair_heads`), so any loss may have them.

    width: of the embeddings it reads. unit_vectors: it has learnt from embeddings of length 1, whatever a model gives.
    """

    def __init__(self, width: int, classes: int, features: PairFeatures, *, unit_vectors: bool = False) -> None:
        """Drawn from torch's global generator as `nn.Linear` is."""
        super().__init__()
        linear = nn.Linear(features.count * width, classes)
        self.weight, self.bias = linear.weight, linear.bias
        self.width, self.features, self.unit_vectors = width, features, unit_vectors

    def forward(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """(B, N) scores before the softmax."""
        return F.linear(self.features.of(left_BD, right_BD), self.weight, self.bias)


def pair_heads(objective: nn.Module) -> dict[int, PairHead]:
    """The heads anywhere in an objective, by the width they read; of two that read the same, the first."""
    heads: dict[int, PairHead] = {}
    for module in objective.modules():
        if isinstance(module, PairHead):
            heads.setdefault(module.width, module)
    return heads
