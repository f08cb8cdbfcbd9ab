"""The same passes in every process: where one has fewer micro-batches it embeds a single token, to no effect.

Layers that are spread over processes put their weights together in each pass, for which all processes have to meet: as
often, and with the same tower in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from embtune.losses.objective import Batch
from embtune.model.embedder import TextEmbedder
from embtune.train.prepare import PreparedGroup, PreparedStep, TextBatch
from embtune.train.processes import Processes

_NO_ROWS = PreparedGroup(Batch({}), {}, {}, {}, (), 0)


def matched(step: PreparedStep, towers: Mapping[str, TextEmbedder], processes: Processes) -> PreparedStep:
    """A process's part of a step, with as many groups as any has, and as many micro-batches of each tower in them.

    Args:
        step: on the device.
        towers: in the same order everywhere, which becomes the order of the micro-batches.
    """
    (count,) = processes.highest([len(step.groups)])
    groups = [*step.groups, *[_NO_ROWS] * (count - len(step.groups))]
    passes = iter(processes.highest([_passes(group, tower) for group in groups for tower in towers]))
    return replace(
        step,
        groups=tuple(_filled_up(group, towers, {tower: next(passes) for tower in towers}) for group in groups),
    )


def _passes(group: PreparedGroup, tower: str) -> int:
    return sum(batch.tower == tower for batch in group.text_batches)


def _filled_up(group: PreparedGroup, towers: Mapping[str, TextEmbedder], passes: Mapping[str, int]) -> PreparedGroup:
    batches: list[TextBatch] = []
    for tower, count in passes.items():
        own: Sequence[TextBatch] = [batch for batch in group.text_batches if batch.tower == tower]
        batches += [*own, *[_empty(tower, towers[tower])] * (count - len(own))]
    unused = {tower: 0 for tower, count in passes.items() if count}
    return replace(group, text_batches=tuple(batches), table_rows=unused | dict(group.table_rows))


def _empty(name: str, tower: TextEmbedder) -> TextBatch:
    """A text of one token, whose embedding goes nowhere: no model takes none."""
    features = tower.collate([np.zeros(1, dtype=np.int64)]).map(lambda tensor: tensor.to(tower.device))
    return TextBatch(name, torch.empty(0, dtype=torch.int64, device=tower.device), features)
