"""The optimiser over everything trainable: towers, heads, decoders, scalars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from embtune.losses.objective import Objective


class Trainables(nn.Module):
    """Everything a run may change, under one roof and with one set of names.

    What is optimised, clipped, reduced, saved and restored is this module's parameters, so none of them can be
    forgotten in one of the five.
    """

    def __init__(self, towers: Mapping[str, nn.Module], objectives: Iterable[Objective]) -> None:
        super().__init__()
        self.towers = nn.ModuleDict(dict(towers))
        self.objectives = nn.ModuleList(objectives)

    def trainable(self) -> Iterator[tuple[str, nn.Parameter]]:
        """(name, parameter) of all that receives gradients, shared ones once, in a fixed order."""
        return ((name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad)


def build_adamw(trainables: Trainables, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Fused AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101); vectors and scalars (biases, norms) do not decay."""
    named = list(trainables.trainable())
    groups = [
        {"params": [p for _, p in named if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for _, p in named if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` for the next step, in every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def optimizer_tensors(optimizer: torch.optim.Optimizer, trainables: Trainables) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors: "<parameter name>.<state name>"."""
    states = optimizer.state
    return {
        f"{name}.{key}": value
        for name, parameter in trainables.trainable()
        for key, value in states.get(parameter, {}).items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, trainables: Trainables, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    for name, parameter in trainables.trainable():
        prefix = f"{name}."
        keys = [key for key in tensors if key.startswith(prefix) and "." not in key[len(prefix) :]]
        if keys:
            # fused AdamW keeps its step counter, like the moments, on the parameter's device
            optimizer.state[parameter] = {key[len(prefix) :]: tensors[key].to(parameter.device) for key in keys}
