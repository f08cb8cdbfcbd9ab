"""Writing the single files of a model folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from embtune.model.weights import WEIGHTS


def write_json(path: Path, value: object) -> None:
    """Write a JSON file; its folder is made if need be."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def change_json(path: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Rewrite the object in a JSON file."""
    write_json(path, change(json.loads(path.read_text(encoding="utf-8"))))


def write_tensors(tensors: Mapping[str, Tensor], folder: Path, name: str = WEIGHTS) -> None:
    """Write the tensors as `folder`'s safetensors file."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(ready, folder / name, metadata={"format": "pt"})
