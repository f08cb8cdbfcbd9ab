"""Read a transformers model and its tokenizer from a folder, with nothing made up where something is missing."""

from __future__ import annotations

import inspect
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTextEncoding,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from embtune.errors import Location, ModelError
from embtune.model.dropout import override_in_config, override_in_modules
from embtune.model.json_object import JsonObject
from embtune.model.limits import check_counts
from embtune.model.quiet import quiet_transformers
from embtune.model.tokenizer import TextTokenizer, lower_case
from embtune.model.weights import read_tensors, tensor_shapes, weight_files

POOLER = "pooler."

_Auto = type[AutoModel | AutoModelForTextEncoding | AutoModelForSequenceClassification]


def read_backbone(
    folder: Path, dropout: float | None, trust_remote_code: bool
) -> tuple[PreTrainedModel, dict[str, Tensor]]:
    """The transformers model in `folder`: float32, on the CPU, without the pooler, which no embedder uses.

    Args:
        folder: with `config.json` and safetensors weights.
        dropout: overrides every dropout rate; None leaves them.
        trust_remote_code: run the Python code that comes with the model.

    Returns:
        The model, and the pooler's weights where the folder has them.

    Raises:
        ModelError: a file is missing or broken, or the weights are not those that the config describes.
    """
    config = _config(folder, trust_remote_code)
    _check_sizes(folder, config)
    if dropout is not None:
        override_in_config(config, dropout)
    auto, without_pooler = _class(folder, config)
    model = _load(folder, config, auto, without_pooler, trust_remote_code)
    if dropout is not None:
        override_in_modules(model, dropout)
    return model, read_tensors(folder, POOLER)


def read_scorer(folder: Path) -> PreTrainedModel:
    """The sequence classifier in `folder` that gives one number a text: float32, on the CPU, in evaluation mode.

    Raises:
        ModelError: a file is missing or broken, or the model is of another kind, or gives several numbers.
    """
    config = _config(folder, trust_remote_code=False)
    _check_sizes(folder, config)
    if config.num_labels != 1:
        message = f"it is no model that scores pairs: it would give {config.num_labels} numbers, and a score is one"
        hint = "Name a sequence classifier of transformers with num_labels 1, such as a reranker."
        raise ModelError.of("not-one-score", message, hint, Location(str(folder / "config.json")))
    return _load(folder, config, AutoModelForSequenceClassification, {}, trust_remote_code=False)


def read_tokenizer(folder: Path, lower: bool, trust_remote_code: bool) -> TextTokenizer:
    """The tokenizer in `folder`.

    Raises:
        ModelError: it is missing or broken, or has no form that the `tokenizers` library runs.
    """
    try:
        with quiet_transformers():
            found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=trust_remote_code
            )
    except Exception as error:
        raise _unreadable(folder, "tokenizer", error) from error
    if not found.is_fast:
        raise ModelError.of("no-tokenizer", "has no fast tokenizer (tokenizer.json)", None, Location(str(folder)))
    backend = found.backend_tokenizer
    if lower:
        lower_case(backend)
    return TextTokenizer(backend, adds_special_tokens=True, pretrained=found)


def _config(folder: Path, trust_remote_code: bool) -> PreTrainedConfig:
    check_counts(JsonObject.read_if_there(folder / "config.json"))
    try:
        with quiet_transformers():
            config: PreTrainedConfig = AutoConfig.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=trust_remote_code
            )
    except Exception as error:
        raise _unreadable(folder, "config.json", error) from error
    if getattr(config, "use_cache", False):
        config.use_cache = False  # for generating text; here it would only hold memory
    return config


def _check_sizes(folder: Path, config: PreTrainedConfig) -> None:
    """Compare the config with the weights' headers before building anything as large as the config says."""
    shapes = tensor_shapes(weight_files(folder))
    sizes = [size for shape in shapes.values() for size in shape]
    for key in ("hidden_size", "vocab_size"):
        if getattr(config, key, None) not in sizes:
            raise _mismatch(
                folder, f"{key} is {getattr(config, key, None)}, but no tensor of the weights has that size"
            )
    layers = getattr(config, "num_hidden_layers", 0)
    if not isinstance(layers, int) or layers > len(shapes):
        raise _mismatch(folder, f"num_hidden_layers is {layers}, but the weights have {len(shapes)} tensors")


def _load(
    folder: Path, config: PreTrainedConfig, auto: _Auto, arguments: dict[str, bool], trust_remote_code: bool
) -> PreTrainedModel:
    try:
        with quiet_transformers():
            model, info = auto.from_pretrained(
                str(folder),
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=trust_remote_code,
                output_loading_info=True,
                **arguments,
            )
    except Exception as error:
        raise _unreadable(folder, "model", error) from error
    if missing := sorted(info["missing_keys"]):
        raise _mismatch(folder, f"the weights lack {missing[0]!r}, one of {len(missing)} missing tensors")
    loaded: PreTrainedModel = model
    return loaded


def _class(
    folder: Path, config: PreTrainedConfig
) -> tuple[type[AutoModel | AutoModelForTextEncoding], dict[str, bool]]:
    """The auto class to load with, and the argument that leaves out the pooler, whose weights nothing would train."""
    alone = type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING  # of T5 and its like the encoder without the decoder
    if config.is_encoder_decoder and not alone:
        message = f"{config.model_type} is an encoder-decoder whose encoder cannot be had alone"
        raise ModelError.of("unsupported-model", message, None, Location(str(folder / "config.json")))
    mapping = MODEL_FOR_TEXT_ENCODING_MAPPING if alone else MODEL_MAPPING
    found = mapping.get(type(config), None)
    accepts = isinstance(found, type) and "add_pooling_layer" in inspect.signature(found).parameters
    return AutoModelForTextEncoding if alone else AutoModel, {"add_pooling_layer": False} if accepts else {}


def _unreadable(folder: Path, what: str, error: Exception) -> ModelError:
    reason = str(error).strip() or type(error).__name__
    hint = None
    if "trust_remote_code" in reason:
        reason, hint = "it needs Python code that comes with it", "If you trust it: model.trust_remote_code: true"
    first = next(line for line in reason.splitlines() if line.strip())
    return ModelError.of("broken-model", f"its {what} cannot be read: {first}", hint, Location(str(folder)))


def _mismatch(folder: Path, message: str) -> ModelError:
    hint = "config.json and the weights are not of the same model: fetch or copy the model again."
    return ModelError.of("broken-model", message, hint, Location(str(folder / "config.json")))
