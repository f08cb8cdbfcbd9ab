"""How many graphs fit: measured on one of them, against the memory that the device has left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from embtune.train.embed import EmbedSettings, embedded
from embtune.train.machine_memory import available_bytes
from embtune.train.prepare import PreparedStep, TextBatch
from embtune.train.shards import is_spread

# Of the memory that is left. The rest is for the pass under way, the loss stage and what other programs may want.
_SHARE = {"cpu": 0.5, "cuda": 0.8}


@dataclass(frozen=True)
class Measured:
    """Bytes that the graph of one micro-batch takes, and the token slots it has."""

    graph_bytes: int
    token_slots: int

    @property
    def bytes_per_slot(self) -> float:
        """What one slot more costs."""
        return self.graph_bytes / max(1, self.token_slots)


def tokens_that_fit(settings: EmbedSettings, step: PreparedStep, still_to_come: int) -> int:
    """Token slots whose graphs the device can hold beside everything else, measured on micro-batches of one step.

    Args:
        still_to_come: bytes that the step will take in any case: gradients, and at first the optimiser's state.
    """
    device = settings.precision.device
    graphs = [_measured(settings, batch) for batch in _usual_batches(step)]
    dearest = max(graphs, key=lambda graph: graph.bytes_per_slot)
    left = (available_bytes(device, settings.processes.world.local_size) - still_to_come) * _SHARE.get(
        device.type, 0.5
    ) - dearest.graph_bytes
    return max(0, int(left / max(1.0, dearest.bytes_per_slot)))


def _usual_batches(step: PreparedStep) -> Iterator[TextBatch]:
    """Of each tower the micro-batch of middle size: what weights add to a graph is not shared by its tokens alone."""
    by_tower: dict[str, list[TextBatch]] = {}
    for group in step.groups:
        for batch in group.text_batches:
            by_tower.setdefault(batch.tower, []).append(batch)
    for batches in by_tower.values():
        yield sorted(batches, key=lambda batch: batch.features.token_slots)[len(batches) // 2]


def _measured(settings: EmbedSettings, batch: TextBatch) -> Measured:
    parameters = settings.towers[batch.tower].parameters()
    size = graph_bytes(lambda: embedded(settings, batch, seed=0), parameters, settings.precision.device)
    return Measured(size, batch.features.token_slots)


def graph_bytes(forward: Callable[[], Tensor], parameters: Iterable[Tensor], device: torch.device) -> int:
    """Bytes that a forward pass leaves behind for its backward pass; what it computed is let go of.

    On a GPU the allocator tells. On a CPU, where none does, the tensors that autograd saves are counted: each memory
    once, and without the weights, which are there anyway, or are let go of again where they are spread over processes.
    """
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        output = forward()
        after = torch.cuda.memory_allocated(device)
        del output
        return after - before
    weights = {parameter.untyped_storage().data_ptr() for parameter in parameters if not is_spread(parameter)}
    saved: dict[int, torch.UntypedStorage] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        output = forward()  # held until all are counted, so that no address is another's again
    size = sum(storage.nbytes() for address, storage in saved.items() if address not in weights)
    del output
    return size
