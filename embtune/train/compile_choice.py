"""Whether compiling a model pays: it costs a minute or so, and gains a share of the time that training computes."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Operations a second that training uncompiled layers comes to on one GPU of today; within a factor of two of any.
_GPU_OPERATIONS = 2e14
_PER_WEIGHT_AND_TOKEN = 6  # operations: two forward, four backward
_WORTH_IT = 600.0  # seconds of computing, of which compiling saves a sixth or more


@dataclass(frozen=True)
class CompileChoice:
    """Whether to compile, and why, in a few words."""

    wanted: bool
    reason: str


def choose_compile(asked: bool | None, device: torch.device, weights: int, tokens: int) -> CompileChoice:
    """Decide.

    Args:
        asked: what the config says; None leaves it to the length of the run.
        device: that computes.
        weights: of the layers.
        tokens: that the whole run trains on, roughly.
    """
    if asked is not None:
        return CompileChoice(asked, "asked for" if asked else "not asked for")
    if device.type != "cuda":
        return CompileChoice(False, "a CPU gains nothing by it")
    seconds = _PER_WEIGHT_AND_TOKEN * weights * tokens / _GPU_OPERATIONS
    length = f"about {_rounded(seconds)} of computing"
    if seconds < _WORTH_IT:
        return CompileChoice(False, f"{length}, too little to gain by it")
    return CompileChoice(True, length)


def _rounded(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
