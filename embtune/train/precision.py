"""Mixed precision: where it applies (the towers) and where it does not (the objective, the optimiser)."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from embtune.config.words import Precision
from embtune.world import ALONE, World

_AUTOCAST_DTYPES = {
    Precision.BF16: torch.bfloat16,
    Precision.FP16: torch.float16,
    Precision.BF16_WEIGHTS: torch.bfloat16,  # of what has float32 weights: the masters in an evaluation, decoders
}
_CLEARLY_FASTER = 1.3  # what a run gains is less than what its linear maps gain


def decide_device(world: World = ALONE) -> torch.device:
    """The GPU where there is one, else the CPU; of several processes on a machine each has a GPU of its own."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda") if world.is_alone else torch.device("cuda", world.local_rank)


def decide_precision(asked: Precision, device: torch.device, cpu_speedup: float | None = None) -> Precision:
    """AUTO becomes bf16 where the device is clearly faster in it, else fp32; anything else is taken at its word.

    Args:
        cpu_speedup: how many times faster than fp32 a CPU is in bf16, where that was measured.
    """
    if asked is not Precision.AUTO:
        return asked
    if device.type == "cuda":
        faster = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        faster = device.type == "cpu" and (cpu_speedup or 0.0) >= _CLEARLY_FASTER
    return Precision.BF16 if faster else Precision.FP32


def cpu_computes_bf16() -> bool:
    """Whether a bf16 product on this CPU comes back; asked of a process of its own, for the answer may be its death."""
    command = [sys.executable, "-m", "embtune.train.bf16_probe"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class MixedPrecision:
    """Autocast for the towers, and the gradient scaler that fp16 needs (idle in the other precisions).

    What is trained, embeddings, losses and optimiser state are float32 in every precision.
    """

    def __init__(self, precision: Precision, device: torch.device) -> None:
        self.precision = precision
        self.device = device
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision is Precision.FP16)

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which float32 weights are computed with."""
        dtype = _AUTOCAST_DTYPES.get(self.precision)
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype=dtype)

    def training_context(self) -> AbstractContextManager[object]:
        """The context a tower is trained in: `autocast`, but for towers that have bf16 weights."""
        return nullcontext() if self.half_weights else self.autocast()

    @property
    def half_weights(self) -> bool:
        """Whether towers are trained with bf16 copies of their weights (embtune.train.half_weights)."""
        return self.precision is Precision.BF16_WEIGHTS

    def scaled(self, total: Tensor) -> Tensor:
        """The loss to differentiate: times the scaler's factor under fp16, itself otherwise."""
        scaled: Tensor = self.scaler.scale(total)
        return scaled

    def state(self) -> dict[str, float]:
        """The scaler's state, as plain numbers; empty unless fp16."""
        return {key: float(value) for key, value in self.scaler.state_dict().items()}

    def restore(self, state: dict[str, float]) -> None:
        """Put back what `state` gave."""
        if not state:
            return
        whole = {
            key: int(value) if key in {"growth_interval", "_growth_tracker"} else value for key, value in state.items()
        }
        self.scaler.load_state_dict(whole)
