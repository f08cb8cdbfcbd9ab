"""Every process has a copy of everything trainable, and does the same to it: whether the copies are still equal."""

from __future__ import annotations

import torch
from torch import Tensor

from embtune.train.checkpoint import trainable_tensors
from embtune.train.optimizer import Trainables
from embtune.train.processes import Processes
from embtune.train.shards import is_spread

_FACTOR, _MODULUS = 31, (1 << 61) - 1


def replicas_differ(processes: Processes, trainables: Trainables) -> bool:
    """Whether any bit of any process's weights is another one's, but for a chance of one in 10^18.

    Of weights that are spread over the processes there is one copy.
    """
    if processes.world.is_alone:  # the sums would be taken for nothing
        return False
    digest = 0
    for tensor in trainable_tensors(trainables).values():
        if not is_spread(tensor):
            digest = (digest * _FACTOR + _bits(tensor)) % _MODULUS
    highest, lowest = processes.highest([digest, -digest])
    return highest != -lowest


def _bits(tensor: Tensor) -> int:
    """The sum of a tensor's bits, taken as whole numbers of its width."""
    whole = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    return int(tensor.contiguous().view(whole).sum(dtype=torch.int64))
