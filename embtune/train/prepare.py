"""Move 1 to its end: a step as the device takes it, made of nothing but data, rows and settings.

All of it can be made ahead of the device, on another thread: nothing here draws, reads weights or waits.

Legend: B rows, T table rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, View
from embtune.model.embedder import TextEmbedder
from embtune.model.features import Features
from embtune.train.budget import Budget
from embtune.train.dealing import dealt
from embtune.train.gathering import gathered
from embtune.train.plan import MicroBatch, TextPlan, plan_texts, row_groups
from embtune.train.rows import TrainingRows
from embtune.world import ALONE, World

Change = Callable[[Tensor], Tensor]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Cutting:
    """How a step is cut to fit the machine. Nothing in here changes its result, dropout draws aside.

    share_equal_texts: embed a text once however often the rows name it. Exact only without active dropout.
    world: the processes that it is cut for; each prepares its own part.
    """

    towers: Mapping[str, TextEmbedder]
    budget: Budget
    share_equal_texts: bool
    world: World = ALONE


@dataclass(frozen=True)
class TextBatch:
    """Texts embedded in one forward pass. slots: (n,) int64, where their embeddings go in the tower's table."""

    tower: str
    slots: Tensor
    features: Features


@dataclass(frozen=True)
class PreparedGroup:
    """Rows that go through embedding, scoring and return together.

    batch: the rows, with all that an objective is given but the embeddings.
    tower_of: view -> what embeds its texts.
    slot_of: view -> (B,) int64 slot of each row's text in its tower's table; an absent text has some other one's.
    table_rows: tower -> T, the number of slots.
    """

    batch: Batch
    tower_of: Mapping[View, str]
    slot_of: Mapping[View, Tensor]
    table_rows: Mapping[str, int]
    text_batches: tuple[TextBatch, ...]
    tokens: int

    def map(self, change: Change) -> PreparedGroup:
        """The same with every tensor changed."""
        return replace(
            self,
            batch=_changed(self.batch, change),
            slot_of=_all_changed(self.slot_of, change),
            text_batches=tuple(
                replace(each, slots=change(each.slots), features=each.features.map(change))
                for each in self.text_batches
            ),
        )


@dataclass(frozen=True)
class PreparedStep:
    """Everything a step takes beside the weights: one group of rows where rows interact, else one or more.

    idle: there are so few rows that some process has none, and no group.
    """

    groups: tuple[PreparedGroup, ...]
    idle: bool = False

    def map(self, change: Change) -> PreparedStep:
        """The same with every tensor changed. A tensor that is in several places is changed once for each."""
        return replace(self, groups=tuple(group.map(change) for group in self.groups))


def prepare_step(data: TrainingRows, rows: np.ndarray, coupling: Coupling, cutting: Cutting) -> PreparedStep:
    """Plan a step over all of `rows` (B,), and gather what it takes, on the CPU.

    Where rows interact (`Coupling.BATCH`) they are one group, whose texts are dealt to the processes; where they do
    not, whole rows are dealt, and each process makes groups of its own.
    """
    budget, world = cutting.budget, cutting.world
    whole = _labels_of(data, rows, budget.row_block)
    if coupling is Coupling.BATCH:
        return PreparedStep((_group(data, rows, whole, whole, cutting),))
    tokens = data.tokens(rows)
    mine = np.sort(dealt(tokens, world))
    groups = row_groups(rows[mine], tokens[mine], budget.group_tokens) if len(mine) else []
    own = replace(cutting, world=ALONE)  # from here on nothing is shared
    return PreparedStep(
        tuple(_group(data, group, _labels_of(data, group, budget.row_block), whole, own) for group in groups),
        idle=len(rows) < world.size,
    )


def _group(data: TrainingRows, rows: np.ndarray, labels: Batch, whole: Batch, cutting: Cutting) -> PreparedGroup:
    packing = [name for name, tower in cutting.towers.items() if tower.packs]
    budget, share = cutting.budget, cutting.share_equal_texts
    plan = plan_texts(
        data, rows, budget.micro_batch_tokens, share, packing, budget.launch_tokens, cutting.world, budget.lanes
    )
    batch = replace(labels, whole=whole, frozen=_frozen(data, rows))
    slot_of = {view: torch.from_numpy(np.maximum(slots, 0)) for view, slots in plan.slot_of.items()}
    batches = tuple(_text_batch(data, plan, each, cutting.towers[each.tower]) for each in plan.micro_batches)
    return PreparedGroup(batch, plan.tower_of, slot_of, plan.table_rows, batches, plan.tokens)


def _text_batch(data: TrainingRows, plan: TextPlan, each: MicroBatch, tower: TextEmbedder) -> TextBatch:
    texts = gathered([data.columns[view] for view in plan.views], each.view, each.text)
    return TextBatch(each.tower, torch.from_numpy(each.slots), tower.collate_flat(texts))


def _labels_of(data: TrainingRows, rows: np.ndarray, row_block: int) -> Batch:
    """Labels, targets and presence of some rows, without embeddings."""
    labels = None if data.labels is None else data.labels[torch.from_numpy(rows)]
    targets = {view: column.padded(rows) for view, column in data.targets.items()}
    present = {
        view.role: torch.from_numpy(column.text_of_row[rows] >= 0)
        for view, column in data.columns.items()
        if column.is_ragged
    }
    return Batch({}, labels, present, len(rows), row_block=row_block, targets=targets, roles=data.roles)


def _frozen(data: TrainingRows, rows: np.ndarray) -> dict[View, Tensor]:
    return {view: column.embeddings(rows) for view, column in data.frozen.items()}


def _changed(batch: Batch, change: Change) -> Batch:
    return replace(
        batch,
        labels=None if batch.labels is None else change(batch.labels),
        present=_all_changed(batch.present, change),
        targets=_all_changed(batch.targets, change),
        frozen=_all_changed(batch.frozen, change),
        whole=None if batch.whole is None else _changed(batch.whole, change),
    )


def _all_changed(tensors: Mapping[Key, Tensor], change: Change) -> dict[Key, Tensor]:
    return {key: change(tensor) for key, tensor in tensors.items()}
