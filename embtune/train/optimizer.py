"""The optimiser over everything trainable: towers, heads, decoders, scalars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from embtune.losses.objective import Objective
from embtune.train.shards import is_spread

_HEADS = "objectives."  # what their parameters' names begin with
_RATIO = "rate_ratio"  # of a group's learning rate to that of the schedule


class Trainables(nn.Module):
    """Everything a run may change, under one roof and with one set of names.

    What is optimised, clipped, reduced, saved and restored is this module's parameters, so none of them can be
    forgotten in one of the five.
    """

    def __init__(self, towers: Mapping[str, nn.Module], objectives: Iterable[Objective]) -> None:
        super().__init__()
        # towers first: a parameter that both share has the tower's name
        self.towers = nn.ModuleDict(dict(towers))
        self.objectives = nn.ModuleList(objectives)

    def trainable(self) -> Iterator[tuple[str, nn.Parameter]]:
        """(name, parameter) of all that receives gradients, shared ones once, in a fixed order."""
        return ((name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad)

    @property
    def has_heads(self) -> bool:
        """Whether objectives have parameters that no tower has."""
        return any(name.startswith(_HEADS) for name, _ in self.trainable())


def build_adamw(
    trainables: Trainables, learning_rate: float, weight_decay: float, head_learning_rate: float | None = None
) -> torch.optim.AdamW:
    """Fused AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101); vectors and scalars (biases, norms) do not decay.

    Args:
        head_learning_rate: of what the objectives alone have; None is `learning_rate`. Weights that an objective shares
            with a tower are the tower's.
    """
    ratio = 1.0 if head_learning_rate is None else head_learning_rate / learning_rate
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for name, parameter in trainables.trainable():
        decay = weight_decay if parameter.dim() >= 2 else 0.0
        alike = decay, ratio if name.startswith(_HEADS) else 1.0, is_spread(parameter)  # torch fuses no two kinds
        groups.setdefault(alike, []).append(parameter)
    described = [
        {"params": parameters, "weight_decay": decay, _RATIO: ratio} for (decay, ratio, _), parameters in groups.items()
    ]
    return torch.optim.AdamW(described, lr=learning_rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` for the next step; groups with a rate of their own keep its proportion to the others'."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group[_RATIO]


def optimizer_tensors(optimizer: torch.optim.Optimizer, trainables: Trainables) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors: "<parameter name>.<state name>"."""
    states = optimizer.state
    return {
        f"{name}.{key}": value
        for name, parameter in trainables.trainable()
        for key, value in states.get(parameter, {}).items()
    }


def empty_state(shapes: Mapping[str, tuple[int, ...]], trainables: Trainables) -> dict[str, Tensor]:
    """Zeros of the shapes that `optimizer_tensors` gave, to be filled: float32, as all of AdamW's state is.

    What has its parameter's shape is spread over the processes as that is.
    """
    found: dict[str, Tensor] = {}
    for name, parameter in trainables.trainable():
        for key in _keys_of(name, shapes):
            alike = shapes[key] == parameter.shape
            found[key] = torch.zeros_like(parameter) if alike else torch.zeros(shapes[key], device=parameter.device)
    return found


def restore_optimizer(optimizer: torch.optim.Optimizer, trainables: Trainables, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    for name, parameter in trainables.trainable():
        keys = _keys_of(name, tensors)
        if keys:
            # fused AdamW keeps its step counter, like the moments, on the parameter's device
            optimizer.state[parameter] = {key[len(name) + 1 :]: tensors[key].to(parameter.device) for key in keys}


def _keys_of(parameter: str, tensors: Iterable[str]) -> list[str]:
    """The names of one parameter's state: "<parameter>.<state>"."""
    prefix = f"{parameter}."
    return [key for key in tensors if key.startswith(prefix) and "." not in key[len(prefix) :]]
