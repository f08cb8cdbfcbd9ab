"""Writing the single files of a model folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from embtune.model.weights import WEIGHTS

OS_ERROR = re.compile(r"(?P<reason>[^:()]*)\(os error (?P<number>\d+)\)")


def write_json(path: Path, value: object) -> None:
    """Write a JSON file; its folder is made if need be."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def change_json(path: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Rewrite the object in a JSON file."""
    write_json(path, change(json.loads(path.read_text(encoding="utf-8"))))


def write_tensors(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write the tensors as `folder`'s safetensors file."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(ready, folder / WEIGHTS, metadata={"format": "pt"})


def share_as(pattern: Path, folder: Path) -> None:
    """Give the weights in and below `folder`, which come out for the owner alone, the permissions of `pattern`."""
    for path in folder.rglob("*.safetensors"):
        path.chmod(pattern.stat().st_mode)


@contextmanager
def os_errors() -> Iterator[None]:
    """Raise what Rust libraries (safetensors, tokenizers) say about the disk as the OSError it was."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        found = OS_ERROR.search(str(error))
        if found is None:
            raise
        raise OSError(int(found["number"]), found["reason"].strip()) from error
