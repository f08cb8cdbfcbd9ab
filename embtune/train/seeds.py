"""Every random draw of a run is a function of the run's seed and of where in the run it is made.

Nothing is drawn from a generator that merely happens to stand somewhere: so a resumed run, a repeated step and every
process of many draw the same, and a micro-batch embedded twice (gradient caching) draws the same dropout masks twice.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from hashlib import blake2b

import torch

from embtune.model.seeded_draws import SeededDraws


def mix(*parts: int | str) -> int:
    """A 63-bit seed from any parts; equal parts give equal seeds on every machine and Python."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(*parts: int | str) -> torch.Generator:
    """A CPU generator of its own, seeded from the parts."""
    return torch.Generator().manual_seed(mix(*parts))


def draw_from(seed: int) -> None:
    """Let the global generators of all devices draw from `seed` on, whatever was drawn before."""
    torch.manual_seed(seed)


def drawing_from(seed: int, device: torch.device, compiled: bool = False) -> AbstractContextManager[object]:
    """A context in which a pass on `device` draws from `seed`.

    On a CPU the draws are the thread's own; elsewhere, and in compiled layers, the global generators are seeded.
    """
    if device.type == "cpu" and not compiled:
        return SeededDraws(seed)
    draw_from(seed)
    return nullcontext()
