"""How much faster than float32 this CPU trains a linear map in bf16: `python -m embtune.train.bf16_probe` prints it.

It is a process of its own, for the answer may be its death: a virtual machine may show the AMX instructions of its host
and not let them run, and the kernel then ends the process with SIGILL, which no `try` catches.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import Tensor
from torch.nn import functional

_ROUNDS = 5  # the fastest counts: what else runs on the machine only ever takes time


def speedup(tokens: int = 1024, width: int = 384) -> float:
    """Seconds in float32 over seconds under bf16 autocast, of both passes through a map to four times the width."""
    x = torch.randn(tokens, width, requires_grad=True)
    weight = torch.randn(4 * width, width, requires_grad=True)
    return _seconds(x, weight, half=False) / _seconds(x, weight, half=True)


def _seconds(x: Tensor, weight: Tensor, half: bool) -> float:
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            y = functional.linear(x, weight)
        torch.autograd.grad(y.float().sum(), (x, weight))
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    sys.stdout.write(f"{speedup():.3f}\n")
