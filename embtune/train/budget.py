"""How much is embedded at once, and how many graphs may live: from the machine, never from the config's maths."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from embtune.config.words import GradientCache
from embtune.train.machine_memory import total_bytes

EVERYTHING = 1 << 62  # more token slots than any machine holds

# Activations that a layer saves for its backward pass, in units of its width, per token: attention inputs and outputs,
# two norms, the 4x wider feed-forward twice, dropout masks. Counted on BERT with autocast off; autocast saves less.
_SAVED_WIDTHS_PER_LAYER = 34
_SHARE_FOR_GROUPS = 0.25  # of the memory: the rest is weights, gradients, optimiser state, the loss stage and others'

# On a CPU a micro-batch that outgrows the cache gains nothing; a GPU wants launches to be few.
_MICRO_BATCH_TOKENS = {"cpu": 2048, "cuda": 32768}
_LAUNCH_TOKENS = {"cpu": 32, "cuda": 2048}
_WITHOUT_LAYERS = 1 << 18  # token slots of a model without layers: a token takes one vector at most, often nothing
_ROW_BLOCK = {"cpu": 1024, "cuda": 4096}


@dataclass(frozen=True)
class Budget:
    """How a step is cut, and how much of it may be held.

    micro_batch_tokens: token slots embedded at once.
    kept_tokens: token slots whose graphs are kept where rows interact; None until it is measured.
    group_tokens: tokens of a group of rows that do not interact, whose graphs are all kept.
    row_block: rows that the loss scores at once.
    launch_tokens: what a micro-batch costs beside its token slots, in slots.
    lanes: micro-batches that are computed side by side; there are at least as many, where there are texts enough.
    """

    micro_batch_tokens: int
    kept_tokens: int | None
    group_tokens: int
    row_block: int
    launch_tokens: int = 0
    lanes: int = 1

    def halved(self) -> Budget:
        """Half of everything, for a device that ran out of memory; at least one text at a time."""
        return replace(
            self,
            micro_batch_tokens=max(1, self.micro_batch_tokens // 2),
            kept_tokens=None if self.kept_tokens is None else self.kept_tokens // 2,
            group_tokens=max(1, self.group_tokens // 2),
            row_block=max(1, self.row_block // 2),
        )


def decide_budget(
    device: torch.device,
    depth: int,
    width: int,
    asked_tokens: int | None,
    gradient_cache: GradientCache,
    sharers: int = 1,
    lanes: int = 1,
) -> Budget:
    """The budget for a tower of `depth` layers of `width` on `device`.

    Groups are cut by an estimate and by all the memory there is, not by what is measured or left: a cut decides which
    texts draw dropout together, and a resumed run has to cut as the run before it did.

    Args:
        asked_tokens: the config's number, or None to decide.
        gradient_cache: which micro-batches are embedded twice: those whose graphs do not fit, all, or none.
        sharers: processes of the run on this machine.
        lanes: micro-batches that are computed side by side.
    """
    budget = asked_tokens or (micro_batch_tokens(device) if depth else _WITHOUT_LAYERS)
    group = max(budget, int(total_bytes(device, sharers) * _SHARE_FOR_GROUPS / _bytes_per_token(depth, width)))
    kept = {GradientCache.AUTO: None, GradientCache.ALWAYS: 0, GradientCache.NEVER: EVERYTHING}[gradient_cache]
    launch = _LAUNCH_TOKENS.get(device.type, 512)
    return Budget(budget, kept, group, _ROW_BLOCK.get(device.type, 1024), launch, lanes)


def micro_batch_tokens(device: torch.device) -> int:
    """Token slots of one forward pass that serve this kind of device well."""
    return _MICRO_BATCH_TOKENS.get(device.type, 8192)


def _bytes_per_token(depth: int, width: int) -> int:
    return 4 * width * (1 + depth * _SAVED_WIDTHS_PER_LAYER)
