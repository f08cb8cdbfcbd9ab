"""Dropout masks that are cheap to draw on a CPU, a function of their seed on every device.

torch draws masks for a CPU one number at a time, from one generator for all threads, in 12 ns each
where it was measured: a fifth of the time of long texts. 16 bits of a small fast generator take 1 ns, and each thread
can have its own.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_VALUES = 1 << 16  # of one draw


class Draws:
    """Masks of one seed, one after another. The same calls give the same masks.

    Args:
        seed: not negative.
        device: where the masks are wanted. Masks of a CPU and of a GPU differ.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._on_cpu = device.type == "cpu"
        self._numbers = np.random.Generator(np.random.SFC64(seed))
        self._generator = None if self._on_cpu else torch.Generator(device).manual_seed(seed)

    def kept(self, shape: tuple[int, ...], dropout: float) -> Tensor:
        """Bool of this shape: what stays, each with probability 1 - `dropout` (on a CPU to the nearest 1/65,536)."""
        if not self._on_cpu:
            return torch.rand(shape, device=self._device, generator=self._generator) >= dropout
        count = int(np.prod(shape))
        draws = self._words(-(-count // 4)).view(np.uint16)[:count]
        return torch.from_numpy((draws >= _dropped_values(dropout)).reshape(shape))

    def seed(self) -> int:
        """The seed of draws that are to be made apart."""
        return int(self._numbers.integers(1 << 62))

    def _words(self, count: int) -> np.ndarray:
        """64 random bits each; numpy lets other threads run meanwhile."""
        limits = np.iinfo(np.int64)
        return self._numbers.integers(limits.min, limits.max, size=count, dtype=np.int64, endpoint=True)


def thinned(x: Tensor, kept: Tensor, dropout: float) -> Tensor:
    """`x` where `kept`, scaled so that its expectation stays; 0 elsewhere."""
    if x.device.type != "cpu":
        return x * kept / (1 - dropout)
    gain = _VALUES / (_VALUES - _dropped_values(dropout))  # of the probability that was drawn with
    factors = np.multiply(kept.numpy(), gain, dtype=np.float32)  # several times as fast as torch's conversion
    return x * torch.from_numpy(factors).to(x.dtype)


def _dropped_values(dropout: float) -> int:
    """How many of the values of a draw drop a number; at least one of them keeps it."""
    return min(round(dropout * _VALUES), _VALUES - 1)
