"""PEFT's own files, `adapter_config.json` and `adapter_model.safetensors`: updates without their base model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from embtune.errors import Location, ModelError
from embtune.files import directory_beside
from embtune.model.embedder import TextEmbedder
from embtune.model.json_object import JsonObject
from embtune.model.layout import MODULES
from embtune.model.lora import updated_module
from embtune.model.quiet import quiet_transformers
from embtune.model.save_files import write_json, write_tensors
from embtune.model.source import find_folder
from embtune.model.transformer import POOLER
from embtune.model.weights import read_files

ADAPTER = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_NAME = "default"  # PEFT's, of an adapter that nobody named
_PREFIX = "base_model.model."  # of names in adapter files
_NEEDS_PEFT = "It holds an adapter, which PEFT reads: pip install 'embtune[lora]'"
_CONVERT = "Adapters saved by an old PEFT: load and save them again with a new one. Pickles are never read."


def is_adapter(folder: Path) -> bool:
    """Whether the weights in a folder are updates of another model's."""
    return (folder / ADAPTER).is_file()


def is_adapter_alone(folder: Path) -> bool:
    """Whether a folder holds an adapter and nothing that says what follows the encoder."""
    return is_adapter(folder) and not (folder / MODULES).is_file()


def base_folder(adapter: Path, with_code: bool) -> Path:
    """The folder of an adapter's base model, fetched from the hub if need be.

    Raises:
        ModelError: the adapter does not name it, or it is not to be had.
    """
    found = JsonObject.read(adapter / ADAPTER)
    name = found.text("base_model_name_or_path")
    if not name:
        raise found.error("base_model_name_or_path", "missing", "Write the base model's name or folder there.")
    try:
        return find_folder(name, found.text("revision"), with_code)
    except ModelError as error:
        reason = f"the base model: {error.problems[0].message}"
        raise found.error("base_model_name_or_path", reason, error.problems[0].hint) from error


def merge_adapter(encoder: nn.Module, folder: Path) -> None:
    """Add an adapter's updates to the weights of its base model, in place.

    Args:
        encoder: what the adapter was trained on: a transformers model, or a static encoder.
        folder: with the adapter's two files.

    Raises:
        ModelError: PEFT is not installed, or the adapter is broken, of another model, or not one of weights.
    """
    try:
        with _quiet():
            _merge(encoder, folder)
    except ImportError as error:
        raise ModelError.of("missing-package", "PEFT is not installed", _NEEDS_PEFT, Location(str(folder))) from error
    except (ValueError, RuntimeError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        message = f"the adapter cannot be merged into its base model: {reason}"
        raise ModelError.of("broken-model", message, None, Location(str(folder))) from error


def _merge(encoder: nn.Module, folder: Path) -> None:
    from peft import PeftConfig, get_peft_model, set_peft_model_state_dict

    config = PeftConfig.from_pretrained(str(folder))
    if config.is_prompt_learning:
        raise ValueError(f"{config.peft_type.value} changes no weights")
    if getattr(config, "megatron_config", None):  # it names a module to import
        raise ValueError("it is for a model of Megatron")
    config.task_type = None  # those of a task are wrapped for it, and what is trained here has none
    wrapped = get_peft_model(encoder, config)
    tensors = _tensors(folder, getattr(encoder, "base_model_prefix", ""))
    found: Any = set_peft_model_state_dict(wrapped, tensors)  # a named tuple that PEFT gives no type
    missing = [name for name in found.missing_keys if f".{_NAME}" in name]
    if wrong := [*missing, *found.unexpected_keys]:
        raise ValueError(f"{wrong[0]!r} is in one of the two alone, and {len(wrong) - 1} more")
    wrapped.merge_and_unload()


def save_adapter(model: TextEmbedder, folder: Path) -> None:
    """Write a model's updates, which are not merged, as `folder`. The layers after the pooling are not in it.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    from peft import get_peft_model_state_dict

    encoder = updated_module(model.encoder)
    tensors = get_peft_model_state_dict(encoder, save_embedding_layers=False)
    (config,) = vars(encoder)["peft_config"].values()
    # "dense" would be the name of a pooler too, which those have that load the base model by another class
    left_out = sorted({name.rpartition(".")[0] for name in getattr(model.encoder, "carried", ())}) or None
    written = config.to_dict() | {"inference_mode": True, "exclude_modules": left_out}
    with directory_beside(folder) as beside:
        write_tensors({_PREFIX + name: tensor for name, tensor in tensors.items()}, beside, WEIGHTS)
        write_json(beside / ADAPTER, {key: _plain(value) for key, value in sorted(written.items())})


def _tensors(folder: Path, task_prefix: str) -> dict[str, Tensor]:
    """The adapter's tensors, by names that start from the encoder: adapters of task models have its name in between."""
    if not (folder / WEIGHTS).is_file():
        raise ModelError.of("no-weights", f"no weights: there is no {WEIGHTS}", _CONVERT, Location(str(folder)))
    inner = f"{_PREFIX}{task_prefix}."
    tensors = read_files([folder / WEIGHTS])
    named = {_PREFIX + key.removeprefix(inner) if key.startswith(inner) else key: t for key, t in tensors.items()}
    return {key: tensor for key, tensor in named.items() if not key.startswith(_PREFIX + POOLER)}


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set) else value


@contextmanager
def _quiet() -> Iterator[None]:
    """PEFT warns of what is no fault here, such as a base model that was loaded by another name."""
    with warnings.catch_warnings(), quiet_transformers():
        warnings.simplefilter("ignore")
        yield
