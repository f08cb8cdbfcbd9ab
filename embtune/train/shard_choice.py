"""Whether processes spread a model over themselves: where all of it does not fit the memory of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

# Bytes. Of every weight: float32, and its bf16 copy where there is one. Of a trained one: gradient and two moments.
_WEIGHT, _HALF, _TRAINED = 4, 2, 12
_SHARE = 0.8  # of the memory; the rest is for graphs, the loss stage and others


@dataclass(frozen=True)
class ShardChoice:
    """Whether to shard, and why, in a few words."""

    wanted: bool
    reason: str


def choose_shards(needed: int, memory: int, trouble: str | None) -> ShardChoice:
    """Decide for a run of several processes that leaves it open.

    Args:
        needed: `training_bytes` of all towers.
        memory: bytes that each process has in all.
        trouble: why this model cannot be sharded; None where it can.
    """
    beside = f"weights, gradients and optimiser state take {_shown(needed)} of the {_shown(memory)} of a process"
    if needed <= _SHARE * memory:
        return ShardChoice(False, beside)
    return ShardChoice(trouble is None, beside if trouble is None else f"{beside}, but {trouble}")


def training_bytes(parameters: Iterable[nn.Parameter], half: bool) -> int:
    """What weights, gradients and AdamW's state of these parameters take in one process that has all of them.

    Args:
        half: whether there are bf16 copies of the weights.
    """
    each = _WEIGHT + (_HALF if half else 0)
    return sum(weight.numel() * (each + (_TRAINED if weight.requires_grad else 0)) for weight in parameters)


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
