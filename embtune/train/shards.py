"""Towers whose weights, gradients and optimiser state are spread over the processes of a run, by torch's FSDP2.

* Each process has a part of every weight. A pass puts the weights of one layer together, computes and lets them go.
* The gradient of a micro-batch is added up over the processes as its backward pass leaves a layer, and each keeps its
  part. To add up once a step would send less, and would hold a whole gradient in every process: that is what does not
  fit. So all processes have to make the same passes (`embtune.train.matching`).
* What follows the pooling is small, and whole in every process, as heads and decoders are.
* To be measured and saved, a tower is put together again: 4 bytes a weight, while it lasts.

Papers: Rajbhandari, Rasley, Ruwase, He 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models",
arXiv:1910.02054; Zhao et al. 2023, "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel",
arXiv:2304.11277.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from embtune.model.compiling import layers_of
from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.mpnet import mpnet_states
from embtune.world import World


class Shards:
    """The spread towers of a run, and the ordinary ones that they were made of.

    Args:
        towers: name -> transformer, on its device. They keep their weights until `let_go`.
        half: whether layers compute with bf16 weights; what is trained, and every sum of gradients, stays float32.
        world: the processes, which make this alike and need not meet for it.

    Attributes:
        towers: name -> the same with parameters that are `DTensor`s. What follows the pooling is shared with the
            ordinary tower.
    """

    def __init__(self, towers: Mapping[str, TextEmbedder], half: bool, world: World) -> None:
        self.towers = _with_shared_weights(towers)
        device = next(iter(towers.values())).device
        mesh = init_device_mesh(device.type, (world.size,))
        for tower in self.towers.values():
            _spread(tower, mesh, _policy(half))
        self._pairs = [pair for name, tower in towers.items() for pair in _pairs(tower, self.towers[name])]

    def gather(self) -> None:
        """Give the ordinary towers the weights of now. All processes call it at the same place."""
        for ordinary, spread in self._pairs:
            ordinary.data = whole(spread.detach())

    def let_go(self) -> None:
        """Free the memory of the ordinary towers, which keep their shapes."""
        for ordinary, _ in self._pairs:
            ordinary.data = ordinary.new_empty(()).expand(ordinary.shape)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Inside, the ordinary towers have the weights of now."""
        self.gather()
        try:
            yield
        finally:
            self.let_go()


def is_spread(tensor: Tensor) -> bool:
    """Whether each process has a part of it."""
    return isinstance(tensor, DTensor)


def part(tensor: Tensor) -> Tensor:
    """What this process has of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor: of one that is spread a copy, for which all processes meet."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def fill(tensor: Tensor, values: Tensor) -> None:
    """Copy values into a tensor of their shape: of one that is spread into this process's part, for which none meet."""
    if isinstance(tensor, DTensor):
        values = distribute_tensor(values.to(tensor.device), tensor.device_mesh, tensor.placements, src_data_rank=None)
    with torch.no_grad():
        tensor.copy_(values)


def _with_shared_weights(towers: Mapping[str, TextEmbedder]) -> dict[str, TextEmbedder]:
    """The towers once more, with modules of their own around the same parameters: no weight is in memory twice."""
    kept: dict[int, object] = {id(tower.tokenizer): tower.tokenizer for tower in towers.values()}
    kept |= {id(parameter): parameter for tower in towers.values() for parameter in tower.parameters()}
    return deepcopy(dict(towers), kept)


def _policy(half: bool) -> MixedPrecisionPolicy:
    if not half:
        return MixedPrecisionPolicy()
    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)


def _spread(tower: TextEmbedder, mesh: DeviceMesh, policy: MixedPrecisionPolicy) -> None:
    """Spread each layer by itself, and the rest of the encoder as one more part, in place.

    torch gives what it spreads another class, by whose name transformers would no longer know its model.
    """
    encoder = tower.encoder
    assert isinstance(encoder, TransformerEncoder), "a tower with layers"
    if encoder.packed_states is mpnet_states:  # goes past the layers, which could not put their weights together
        encoder.packed_states = None
    for module in (*_separate(layers_of(tower)), encoder):
        spread = fully_shard(module, mesh=mesh, reshard_after_forward=True, mp_policy=policy)
        assert isinstance(spread, FSDPModule)
        # the sum over all processes: a loss is a mean over the rows of all of them already
        spread.set_gradient_divide_factor(1.0)
        spread.set_force_sum_reduction_for_comms(True)  # gloo knows no sum of products


def _separate(layers: list[nn.Module]) -> list[nn.Module]:
    """The layers, if no two of them share a weight; else they are spread as one with the rest of the model."""
    weights = [id(parameter) for layer in layers for parameter in layer.parameters()]
    return layers if len(set(weights)) == len(weights) else []


def _pairs(ordinary: TextEmbedder, spread: TextEmbedder) -> Iterator[tuple[nn.Parameter, nn.Parameter]]:
    """(parameter of the ordinary tower, the same spread)."""
    yield from zip(ordinary.encoder.parameters(), spread.encoder.parameters(), strict=True)
