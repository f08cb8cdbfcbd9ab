"""The settings that `init` writes, by how many rows there are, how long they are, and what the loss makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from embtune.catalog import LossSpec, Need, effective_spec
from embtune.config.words import BatchSampler
from embtune.pipeline.settings import sampler_of, takes_large_batches
from embtune.pipeline.text_lengths import Lengths

_ROWS_A_STEP = 100  # so many steps a pass give a schedule room
_FEWEST_STEPS, _MOST_EPOCHS = 100, 10
_SMALL, _MIDDLE, _LARGE = (16, 64), (32, 128), (32, 256)  # rows of a batch, at least and at most
_LONGEST = 512  # tokens; more is for who knows that the texts need it
_STEP = 16  # lengths are multiples of it
_SAMPLERS = {
    BatchSampler.NO_DUPLICATES: "a text that stood twice in a batch would be its own negative",
    BatchSampler.GROUP_BY_LABEL: "each batch has rows of the same class beside rows of others",
}


@dataclass(frozen=True)
class Optimisation:
    """Epochs, rows of a batch, and the steps that makes."""

    epochs: int
    batch_size: int
    steps: int


def optimisation(rows: int, spec: LossSpec) -> Optimisation:
    """What suits so many training rows."""
    batch = _batch_size(rows, spec)
    a_pass = math.ceil(rows / batch)
    epochs = 1 if a_pass >= _FEWEST_STEPS else min(_MOST_EPOCHS, math.ceil(_FEWEST_STEPS / a_pass))
    return Optimisation(epochs, batch, a_pass * epochs)


def _batch_size(rows: int, spec: LossSpec) -> int:
    """A power of two, larger where the loss learns from the other rows of its batch."""
    compares = Need.GROUP_BY_LABEL in effective_spec(spec).needs
    least, most = _LARGE if takes_large_batches(spec) else _MIDDLE if compares else _SMALL
    power = 1 << max(0, (rows // _ROWS_A_STEP).bit_length() - 1)
    largest = 1 << max(0, rows.bit_length() - 1)  # not more than there are
    return max(spec.minimum_batch, min(largest, most, max(least, power)))


def sampler_remark(spec: LossSpec) -> str:
    """What `auto` takes for the loss and why."""
    found = sampler_of((spec,))
    reason = _SAMPLERS.get(found)
    return f"auto takes {found} for this loss" + (f": {reason}" if reason else "")


def max_seq_length(lengths: tuple[Lengths, ...], limit: int | None, is_static: bool) -> int:
    """Enough for nearly all texts, and for all of them in a static model, where length costs little.

    Args:
        limit: of the model.
    """
    wanted = max(each.longest if is_static else each.most for each in lengths)
    rounded = max(2 * _STEP, math.ceil(wanted / _STEP) * _STEP)
    return min(rounded, _LONGEST, limit or _LONGEST)
