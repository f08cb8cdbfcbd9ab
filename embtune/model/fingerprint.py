"""Whether two models embed alike: one digest over everything that decides a vector."""

from __future__ import annotations

import json
from hashlib import blake2b

import torch
from torch import nn
from transformers import PreTrainedConfig

from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.layers import Dense

_OF_NO_EFFECT = frozenset({"_name_or_path"})  # where the folder lies


def model_fingerprint(model: TextEmbedder) -> str:
    """32 hexadecimal digits of weights, architecture, pooling, later layers, tokenizer and length limit.

    Of neither the model's place nor its prompts, device or mode. Reads every weight once, about a gigabyte a second.
    """
    return module_fingerprint(model, _description(model))


def module_fingerprint(module: nn.Module, description: object) -> str:
    """The same of any module's weights, and of whatever else decides what it gives, as JSON has it."""
    digest = blake2b(digest_size=16)
    digest.update(json.dumps(description, sort_keys=True).encode())
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _description(model: TextEmbedder) -> dict[str, object]:
    return {
        "modules": repr(model),
        "encoder": _encoder(model),
        "layers": [_layer(layer) for layer in model.layers],
        "tokenizer": model.tokenizer.fingerprint(),
        "max_seq_length": model.max_seq_length,
        "truncate_dim": model.settings.truncate_dim,
        "queries": None if model.queries is None else _description(model.queries),
    }


def _encoder(model: TextEmbedder) -> dict[str, object]:
    """What `repr` does not tell: the settings of the backbone and of its pooling."""
    encoder = model.encoder
    if not isinstance(encoder, TransformerEncoder):
        return {}
    return {
        "config": config_values(encoder.model.config),
        "pooling": [mode.value for mode in encoder.pooling.modes],
        "include_prompt": encoder.pooling.include_prompt,
    }


def config_values(config: PreTrainedConfig) -> dict[str, object]:
    """The settings of a transformers model, without what decides nothing."""
    values = json.loads(config.to_json_string(use_diff=False))
    return {key: value for key, value in values.items() if key not in _OF_NO_EFFECT}


def _layer(layer: nn.Module) -> list[object]:
    name = type(layer).__name__
    return [name, layer.activation.value, layer.adds_input] if isinstance(layer, Dense) else [name]
