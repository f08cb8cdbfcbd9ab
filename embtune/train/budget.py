"""How much is embedded at once, and how many graphs may live: from the machine, never from the config's maths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from embtune.config.words import GradientCache

EVERYTHING = 1 << 62  # more token slots than any machine holds

# Activations that a layer saves for its backward pass, in units of its width, per token: attention inputs and outputs,
# two norms, the 4x wider feed-forward twice, dropout masks. Counted on BERT with autocast off; autocast saves less.
_SAVED_WIDTHS_PER_LAYER = 34
_SHARE_FOR_GRAPHS = 0.4  # of the free memory: the rest is weights, gradients, optimiser state and the loss stage

# On a CPU a micro-batch that outgrows the cache gains nothing; a GPU wants launches to be few.
_MICRO_BATCH_TOKENS = {"cpu": 2048, "cuda": 32768}
_ROW_BLOCK = {"cpu": 1024, "cuda": 4096}


@dataclass(frozen=True)
class Budget:
    """Token slots of one micro-batch, tokens whose graphs are kept, and rows of one loss block."""

    micro_batch_tokens: int
    kept_tokens: int
    group_tokens: int
    row_block: int

    def halved(self) -> Budget:
        """Half of everything, for a device that ran out of memory; at least one text at a time."""
        return Budget(
            max(1, self.micro_batch_tokens // 2),
            self.kept_tokens // 2,
            max(1, self.group_tokens // 2),
            max(1, self.row_block // 2),
        )


def decide_budget(
    device: torch.device, depth: int, width: int, asked_tokens: int | None, gradient_cache: GradientCache
) -> Budget:
    """The budget for a tower of `depth` layers of `width` on `device`.

    Args:
        asked_tokens: the config's number, or None to decide.
        gradient_cache: which micro-batches are embedded twice: those whose graphs do not fit, all, or none.
    """
    budget = asked_tokens or micro_batch_tokens(device)
    fits = max(budget, int(_free_bytes(device) * _SHARE_FOR_GRAPHS / _bytes_per_token(depth, width)))
    kept = {GradientCache.AUTO: fits, GradientCache.ALWAYS: 0, GradientCache.NEVER: EVERYTHING}[gradient_cache]
    return Budget(budget, kept, fits, _ROW_BLOCK.get(device.type, 1024))


def micro_batch_tokens(device: torch.device) -> int:
    """Token slots of one forward pass that serve this kind of device well."""
    return _MICRO_BATCH_TOKENS.get(device.type, 8192)


def _bytes_per_token(depth: int, width: int) -> int:
    return 4 * width * (1 + depth * _SAVED_WIDTHS_PER_LAYER)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2  # not Linux: half of all there is


def _lines(path: Path) -> list[str]:
    return path.read_text("ascii").splitlines() if path.is_file() else []
