"""What may follow pooling: linear maps and the scaling to unit length. Each maps (..., D) to (..., D')."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from embtune.model.words import Activation

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    Activation.IDENTITY: nn.Identity,
    Activation.TANH: nn.Tanh,
    Activation.RELU: nn.ReLU,
    Activation.GELU: nn.GELU,
    Activation.SIGMOID: nn.Sigmoid,
    Activation.SILU: nn.SiLU,
    Activation.MISH: nn.Mish,
    Activation.ELU: nn.ELU,
    Activation.SELU: nn.SELU,
    Activation.LEAKY_RELU: nn.LeakyReLU,
    Activation.SOFTPLUS: nn.Softplus,
}


class DenseChoice(Protocol):
    """A linear map somebody asks for: its width and one of the words of `Activation`."""

    @property
    def out_features(self) -> int:
        """Width of the embeddings after the map."""

    @property
    def activation(self) -> str:
        """What follows the map."""


class Dense(nn.Module):
    """Linear map and activation: activation(x W^T + b), plus x itself (mapped to the width) with `residual`."""

    def __init__(
        self, in_features: int, out_features: int, activation: Activation, bias: bool = True, residual: bool = False
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.activation = activation
        self.activate = ACTIVATIONS[activation]()
        self.adds_input = residual
        self.residual: nn.Module | None = None
        if residual and in_features != out_features:
            self.residual = nn.Linear(in_features, out_features, bias=False)

    @property
    def in_features(self) -> int:
        """Width of its input."""
        return self.linear.in_features

    @property
    def out_features(self) -> int:
        """Width of its output."""
        return self.linear.out_features

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        mapped: Tensor = self.activate(self.linear(x))
        if not self.adds_input:
            return mapped
        return mapped + (x if self.residual is None else self.residual(x))


class Normalize(nn.Module):
    """Scale to unit length; a zero vector stays zero. Half precision is computed and returned as float32."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) to (..., D)."""
        return functional.normalize(at_least_float32(x), dim=-1)


def at_least_float32(x: Tensor) -> Tensor:
    """`x`, as float32 where it is half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def new_dense(in_features: int, choice: DenseChoice, seed: int) -> Dense:
    """A freshly drawn linear map, the same for the same seed; the global generators are left as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Dense(in_features, choice.out_features, Activation(choice.activation))
