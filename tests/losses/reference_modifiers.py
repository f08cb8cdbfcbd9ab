"""AdaptiveLayer as plain loops over layers, in float64, from its formula alone.

A model's embeddings are a list of layers, the embedding layer first; each layer holds columns of vectors, as in
`loss_reference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from loss_reference import Columns, Presence, mean
from torch import Tensor

WEIGHTS: Mapping[str, Callable[[int], float]] = {
    "uniform": lambda layer: 1.0,
    "log": lambda layer: 1 / (1 + math.log(1 + layer)),
    "linear": lambda layer: 1 / (1 + layer),
}


def softmax(vector: Tensor, temperature: float) -> Tensor:
    raised = (vector / temperature).exp()
    return raised / raised.sum()


def divergence(wanted: Tensor, found: Tensor) -> Tensor:
    return sum((p * (p / q).log() for p, q in zip(wanted, found, strict=True)), torch.zeros((), dtype=torch.float64))


def mean_divergence(final: Columns, inner: Columns, temperature: float, present: Presence | None = None) -> Tensor:
    found = []
    for role in final:
        for row, (last, vector) in enumerate(zip(final[role], inner[role], strict=True)):
            if present is None or role not in present or present[role][row]:
                found.append(divergence(softmax(last.detach(), temperature), softmax(vector, temperature)))
    return mean(found)


def adaptive_layer(
    layers: Sequence[Columns],
    loss: Callable[[Columns], Tensor],
    *,
    drawn: Sequence[int] | None = None,
    last_layer_weight: float = 1.0,
    prior_layers_weight: float = 1.0,
    kl_div_weight: float = 1.0,
    kl_temperature: float = 0.3,
    layer_weighting: str = "uniform",
    present: Presence | None = None,
) -> Tensor:
    chosen = list(range(len(layers) - 1)) if drawn is None else list(drawn)
    total = last_layer_weight * loss(layers[-1])
    for layer in chosen:
        share = prior_layers_weight * WEIGHTS[layer_weighting](layer) / len(chosen)
        total = total + share * loss(layers[layer])
        if kl_temperature > 0:
            apart = mean_divergence(layers[-1], layers[layer], kl_temperature, present)
            total = total + kl_div_weight * kl_temperature * apart
    return total
