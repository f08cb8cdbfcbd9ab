"""Named tensors on disk, as safetensors: in one file, or, where processes have parts of them, in a file of each.

`weights.safetensors` is written by one process. `weights/shard-00001-model-00001-of-00001.safetensors` and its like are
written by all, through torch.distributed.checkpoint; each file says which parts it has. Either is read by any number of
processes, into tensors that are spread over them or not. Nothing of it is pickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from embtune.errors import CommonRunError
from embtune.model.weights import tensor_shapes
from embtune.train.processes import Processes
from embtune.train.shards import fill


def save_tensors(tensors: Mapping[str, Tensor], folder: Path, name: str, writers: Processes) -> None:
    """Write tensors into a folder.

    Args:
        name: of the file or folder, without suffix.
        writers: all of whom call this where there are several.

    Raises:
        CommonRunError: some process could not write; all raise it.
    """
    if writers.world.is_alone:
        contents = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        save_file(contents, _file(folder, name))
        return
    try:
        writer = HuggingFaceStorageWriter(str(folder / name), save_distributed=True)
        save(dict(tensors), storage_writer=writer)
    except CheckpointException as error:
        raise _cannot_write(folder, error) from error


def stored_shapes(folder: Path, name: str) -> dict[str, tuple[int, ...]]:
    """Name -> shape of all that `save_tensors` wrote; nothing where there is no such file or folder."""
    if _file(folder, name).is_file():
        return tensor_shapes([_file(folder, name)])
    if not (folder / name).is_dir():
        return {}
    found = _reader(folder / name).read_metadata().state_dict_metadata
    return {key: tuple(each.size) for key, each in found.items() if isinstance(each, TensorStorageMetadata)}


def read_tensors(into: Mapping[str, Tensor], folder: Path, name: str) -> None:
    """Fill tensors with what is stored under their names. No process waits for another."""
    path = _file(folder, name)
    if path.is_file():
        with safe_open(path, framework="pt") as file:
            for key, tensor in into.items():
                fill(tensor, file.get_tensor(key))
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # that is what is asked for
        load(dict(into), storage_reader=_reader(folder / name), no_dist=True)


def _reader(folder: Path) -> HuggingFaceStorageReader:
    return HuggingFaceStorageReader(str(folder))


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def _cannot_write(folder: Path, error: CheckpointException) -> CommonRunError:
    reason = next((str(failure) for failure, _ in error.failures.values()), "")
    return CommonRunError.of(
        "cannot-write",
        f"cannot write {folder}: {reason}",
        "Free space or choose another place, then start the same command again: what was saved before is whole.",
    )
