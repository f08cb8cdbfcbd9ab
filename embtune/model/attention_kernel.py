"""What computes attention inside each of several texts that lie one behind the other.

A kernel is a forward and a backward function, without autograd; `segment_attention` makes one operator of them. Draws
for dropout come from the default generators, or from a seed that does, so that whoever seeds them gets the same again.

Legend: T tokens of all texts, B texts, H heads of the queries, G heads of the keys and values (H a multiple), E width
of a head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

Triple = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Rules:
    """Who attends to whom, inside a text, and how.

    longest: no text has more tokens. scale: scores are multiplied by it. dropout: of attention probabilities.
    left, right: how many tokens to each side are seen, -1 for all.
    """

    longest: int
    dropout: float
    scale: float
    left: int
    right: int

    @property
    def causal(self) -> bool:
        """Whether no token sees a later one."""
        return self.right == 0

    @property
    def windowed(self) -> bool:
        """Whether some token of the same text is out of reach, other than by causality."""
        return self.left >= 0 or self.right > 0


@dataclass(frozen=True)
class Attended:
    """What a forward pass gives: `out` (T, H, E), and what the backward pass needs, in the kernel's own form."""

    out: Tensor
    logsumexp: Tensor
    seed: Tensor
    offset: Tensor


class Kernel(ABC):
    """One way to compute it. q (T, H, E), k and v (T, G, E), bounds (B + 1,) int32: where texts begin, and the end."""

    @abstractmethod
    def serves(self, q: Tensor, rules: Rules) -> bool:
        """Whether it computes this on the device of `q`, in its dtype."""

    @abstractmethod
    def forward(self, q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, rules: Rules, seed: Tensor) -> Attended:
        """Attend. seed: int64 scalar on the CPU, for a kernel that draws dropout from it and not from a generator."""

    @abstractmethod
    def backward(self, grad: Tensor, qkv: Triple, bounds: Tensor, made: Attended, rules: Rules) -> Triple:
        """The gradients of q, k and v, of their shapes, under the dropout of the forward pass."""


def for_every_head(x_TGE: Tensor, heads: int) -> Tensor:
    """(T, H, E): each of G heads as often as there are heads that share it."""
    return x_TGE if x_TGE.shape[1] == heads else x_TGE.repeat_interleave(heads // x_TGE.shape[1], dim=1)


def summed(x_THE: Tensor, groups: int) -> Tensor:
    """(T, G, E): what `for_every_head` spread, added up again."""
    return x_THE if x_THE.shape[1] == groups else x_THE.view(len(x_THE), groups, -1, x_THE.shape[2]).sum(2)
