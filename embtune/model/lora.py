"""Low-rank updates: train two thin matrices beside each weight and leave the weight as it was.

    W + (alpha / r) B A,   A (r, in), B (out, r); B A is zero at first

Paper: Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen 2021, "LoRA: Low-Rank Adaptation of Large Language Models",
arXiv:2106.09685. PEFT makes the layers; it is an extra of its own and imported where it is needed.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from embtune.catalog.nearest import nearest
from embtune.errors import ConfigError
from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import Encoder, TransformerEncoder

ALL_LINEAR = "all-linear"
_TABLE = "embedding"  # the one module of a static model
_UPDATABLE = (nn.Linear, nn.Embedding, Conv1D)
_OF_UPDATE, _INSIDE = "lora_", ".base_layer"  # in names of parameters: an update's, and those of what it is put around
_ADAPTER = "default"


class LoraChoice(Protocol):
    """Low-rank updates somebody asks for."""

    @property
    def r(self) -> int:
        """Rank."""

    @property
    def alpha(self) -> float:
        """The updates are multiplied by alpha / r."""

    @property
    def dropout(self) -> float:
        """Before the updates."""

    @property
    def target_modules(self) -> Literal["all-linear"] | tuple[str, ...]:
        """Which modules get updates: ends of their names, or every linear map."""


def updated_module(encoder: Encoder) -> nn.Module:
    """What gets the updates, and what names in an adapter's files start from."""
    return encoder.model if isinstance(encoder, TransformerEncoder) else encoder


def add_lora(model: TextEmbedder, choice: LoraChoice, base_name: str, revision: str | None, seed: int) -> None:
    """Put untrained updates around the encoder's weights, in place; the weights themselves are trained no more.

    Layers after the pooling stay as trainable as they are. What the model computes is what it was.

    Args:
        model: changed; its encoder keeps its class.
        choice: which updates.
        base_name: the model's name, which the adapter's files repeat, as they do its `revision`.
        seed: from which the updates are drawn; the global generators are left as they were.

    Raises:
        ConfigError: a name in `target_modules` is of no module.
    """
    from peft import LoraConfig, inject_adapter_in_model

    static = not isinstance(model.encoder, TransformerEncoder)
    target = updated_module(model.encoder)
    config = LoraConfig(
        r=choice.r,
        lora_alpha=choice.alpha,  # type: ignore[arg-type]  # PEFT says int, and computes alpha / r alike
        lora_dropout=0.0 if static else choice.dropout,
        target_modules=_targets(target, choice, static),
        base_model_name_or_path=base_name,
        revision=revision,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in target.modules()),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, target, _ADAPTER)
    if static and choice.dropout:
        model.notes += ("model.lora.dropout has no effect: token vectors have none",)


def has_lora(module: nn.Module) -> bool:
    """Whether there are updates that are not merged."""
    return any(_OF_UPDATE in name for name, _ in module.named_parameters())


def merged_tensors(module: nn.Module) -> dict[str, Tensor]:
    """The state dict that the module has without updates: each is added to its weight. The module is not changed."""
    state: dict[str, Tensor] = module.state_dict()
    if not has_lora(module):
        return state
    from peft.tuners.lora import Embedding, Linear  # of a transformers `Conv1D` too

    merged = {name.replace(_INSIDE, ""): tensor for name, tensor in state.items() if _OF_UPDATE not in name}
    for name, layer in module.named_modules():
        if isinstance(layer, (Linear, Embedding)):
            with torch.no_grad():
                update: Tensor = layer.get_delta_weight(_ADAPTER)
            merged[f"{name}.weight"] = merged[f"{name}.weight"] + update
    return merged


def _targets(target: nn.Module, choice: LoraChoice, static: bool) -> str | list[str]:
    if choice.target_modules == ALL_LINEAR:
        return [_TABLE] if static else ALL_LINEAR
    names = [name for name, module in target.named_modules() if isinstance(module, _UPDATABLE)]
    for wanted in choice.target_modules:
        if not any(f".{name}".endswith(f".{wanted}") for name in names):
            raise _unknown(wanted, names)
    return list(choice.target_modules)


def _unknown(wanted: str, names: list[str]) -> ConfigError:
    there = sorted({name.rpartition(".")[2] for name in names if not name.rpartition(".")[2].isdigit()})
    near = nearest(wanted, [*there, *names])
    guess = f"Did you mean {near!r}? " if near else ""
    message = f"the model has no linear map or embedding called {wanted!r}"
    return ConfigError.of("unknown-module", message, f"{guess}There are {', '.join(there)}; or {ALL_LINEAR}.")
