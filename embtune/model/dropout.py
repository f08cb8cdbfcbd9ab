"""Every dropout of a model: is any active, and set all.

A transformers model keeps its rates in three places: the config (read when layers are built), `nn.Dropout` modules, and
plain numbers on attention modules that are handed to the attention function. All of them are named "...drop...".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn
from transformers import PreTrainedConfig


def has_active_dropout(model: nn.Module) -> bool:
    """Whether any dropout anywhere in `model` has a rate above 0."""
    return any(rate > 0 for module in model.modules() for _, rate in _rates(module))


def override_in_config(config: PreTrainedConfig, rate: float) -> None:
    """Set every dropout rate of a config, before a model is built from it: layers left out at rate 0 then exist."""
    for name, _ in list(_numbers(config.to_dict())):
        setattr(config, name, rate)


def override_in_modules(model: nn.Module, rate: float) -> None:
    """Set every dropout rate of a built model, whatever its config said."""
    for module in model.modules():
        for name, _ in list(_rates(module)):
            setattr(module, name, rate)


def _rates(module: nn.Module) -> Iterator[tuple[str, float]]:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        yield "p", module.p
    else:
        yield from _numbers(vars(module))


def _numbers(values: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if "drop" in name and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, value
