"""The gradient of the token vectors, row by row, so that a micro-batch does not pay for the whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from embtune.model.embedder import TextEmbedder
from embtune.train.shards import is_spread


def add_by_row(towers: Iterable[TextEmbedder], device: torch.device) -> None:
    """Let each micro-batch add to the gradients of the tokens that it read, instead of making and adding a whole table.

    On a GPU nothing changes: micro-batches are few there, and finding the rows would wait for the device. Nor for
    weights that are not float32, whose gradients are summed in a wider type, nor for those that are spread over
    processes, nor under low-rank updates: PEFT asks the frozen table, and its own are transposed.
    """
    for tower in towers:
        for module in tower.modules():
            if isinstance(module, nn.Embedding) and module.weight is tower.encoder.token_vectors:
                by_row = device.type == "cpu" and module.weight.dtype == torch.float32
                module.sparse = by_row and module.weight.requires_grad and not is_spread(module.weight)


def start_gradients(towers: Iterable[TextEmbedder]) -> None:
    """Give what is added to by row the table of zeros to add to. A dense sum with sparse parts stays dense."""
    for weight in _by_row(towers):
        if weight.requires_grad and weight.grad is None:
            weight.grad = torch.zeros_like(weight)


def forget_gradients(optimizer: torch.optim.Optimizer, towers: Iterable[TextEmbedder]) -> None:
    """Let go of all gradients, but for tables that are added to by row: they stay, filled with zeros.

    Memory that is asked for anew costs a CPU several times as much as zeros do.
    """
    tables = [(weight, weight.grad) for weight in _by_row(towers) if weight.grad is not None]
    optimizer.zero_grad(set_to_none=True)
    for weight, table in tables:
        weight.grad = table.zero_()


def _by_row(towers: Iterable[TextEmbedder]) -> Iterator[Tensor]:
    for tower in towers:
        yield from (module.weight for module in tower.modules() if isinstance(module, nn.Embedding) and module.sparse)
