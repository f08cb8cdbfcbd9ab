"""Weights of a model folder: safetensors, and nothing that could run code while being read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from embtune.errors import Location, ModelError
from embtune.model.json_object import LIMIT_BYTES, JsonObject

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
REMEDY = (
    "Convert it once, where you trust its source: load it in Python with transformers or sentence-transformers "
    "and save it again with save_pretrained(folder)."
)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a module's folder, several where they are sharded.

    Raises:
        ModelError: there are none, or only a pickle (`pytorch_model.bin`).
    """
    if (folder / INDEX).is_file():
        return _shards(folder / INDEX)
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    pickle = next((name for name in PICKLES if (folder / name).is_file()), None)
    if pickle:
        message = f"its weights are in {pickle}, a format that can run code while it is read"
        raise ModelError.of("pickled-weights", message, REMEDY, Location(str(folder / pickle)))
    hint = f"Fetch or copy the model again. If it only has {PICKLES[0]}: {REMEDY}"
    raise ModelError.of("no-weights", f"no weights: there is no {WEIGHTS}", hint, Location(str(folder)))


def tensor_shapes(files: list[Path]) -> dict[str, tuple[int, ...]]:
    """Name to shape of every tensor, read from the files' headers alone.

    Raises:
        ModelError: a file is cut off or no safetensors.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        try:
            header = json.loads(_header(file))
            shapes |= {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
        except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
            raise _broken(file, error) from error
    return shapes


def read_tensors(folder: Path, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of a module's folder whose names start with `prefix`, on the CPU.

    Raises:
        ModelError: as `weight_files` and `tensor_shapes`.
    """
    return read_files(weight_files(folder), prefix)


def read_files(files: list[Path], prefix: str = "") -> dict[str, Tensor]:
    """The tensors of some safetensors files whose names start with `prefix`, on the CPU.

    Raises:
        ModelError: a file is cut off or no safetensors.
    """
    tensors: dict[str, Tensor] = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                names = [name for name in opened.keys() if name.startswith(prefix)]  # noqa: SIM118 - no mapping
                tensors |= {name: opened.get_tensor(name) for name in names}
        except (OSError, SafetensorError) as error:
            raise _broken(file, error) from error
    return tensors


def _header(file: Path) -> bytes:
    """The JSON that a safetensors file begins with, after its length in eight bytes."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(min(length, LIMIT_BYTES))
    if not header or len(header) < length:
        raise ValueError("the header is cut off")
    return header


def _broken(file: Path, error: Exception) -> ModelError:
    hint = "The file may be cut off: fetch or copy the model again."
    return ModelError.of("broken-model", f"cannot be read as safetensors: {error}", hint, Location(str(file)))


def _shards(index: Path) -> list[Path]:
    names = set(JsonObject.of(index, JsonObject.read(index).values.get("weight_map")).values.values())
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not os.path.isfile(index.parent / name):
            raise ModelError.of("no-weights", f"names {name!r}, which is no file beside it", None, Location(str(index)))
    return [index.parent / str(name) for name in sorted(map(str, names))]
