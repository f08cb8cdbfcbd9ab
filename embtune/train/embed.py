"""Moves 2 and 4: embed the planned texts into a table of leaves, and push the table's gradient back through them.

A micro-batch either *keeps* its graph or is embedded without one and *recomputed* when its gradient is known (gradient
caching: Gao, Zhang, Han, Callan 2021, arXiv:2101.06983). Both passes draw dropout from the same seed, so the second is
the first again, and keeping or recomputing changes memory and time but no bit of the gradient.

Legend: T table rows, L layers, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from embtune.model.embedder import TextEmbedder
from embtune.model.lanes import Lanes
from embtune.train.dealing import dealt
from embtune.train.lane_gradients import LaneGradients
from embtune.train.precision import MixedPrecision
from embtune.train.prepare import PreparedGroup, TextBatch
from embtune.train.processes import Alone, Processes
from embtune.train.seeds import drawing_from, mix
from embtune.train.token_gradients import start_gradients
from embtune.world import World


@dataclass(frozen=True)
class EmbedSettings:
    """How to embed: with which towers, at which precision, and how many token slots may keep their graphs at a time.

    processes: those that share the texts of a group; each embeds a part and has the whole tables.
    lanes: in which micro-batches are embedded side by side.
    matched: processes make the same passes at the same time, each with a part of the towers (`embtune.train.matching`).
    """

    towers: Mapping[str, TextEmbedder]
    precision: MixedPrecision
    every_layer: bool
    kept_tokens: int
    processes: Processes = field(default_factory=Alone)
    lanes: Lanes = field(default_factory=Lanes)
    matched: bool = False


@dataclass
class Pass:
    """A micro-batch that was embedded and is to be trained: with its graph, or with what makes it again."""

    batch: TextBatch
    seed: int
    output: Tensor | None


class Embedding:
    """The embeddings of one group of rows: the tables to score, and the way back into the towers.

    Micro-batches are dealt to lanes once and for all, so that each lane adds up the same gradients in the same order.
    """

    def __init__(self, settings: EmbedSettings, group: PreparedGroup, seed: int) -> None:
        self._settings = settings
        self._group = group
        self._seed = seed
        self._passes: list[list[Pass]] = []  # of each lane
        self._world = settings.processes.world
        self.tables = {tower: self._table(tower, rows) for tower, rows in group.table_rows.items()}  # leaves
        self.recomputed = 0  # micro-batches that are embedded a second time

    def compute(self) -> None:
        """Fill the tables. The micro-batches that fit last keep their graphs, so that they are freed first."""
        keep_from = self._first_kept(self._group.text_batches)
        lanes = _dealt_to_lanes(self._group.text_batches, self._settings.lanes.count)
        self._passes = list(self._settings.lanes.map(partial(self._embed, keep_from), lanes))
        self.recomputed = sum(each.output is None for passes in self._passes for each in passes)
        self._settings.processes.add_up(list(self.tables.values()))  # each has zeros where the others have embeddings
        for tower, table in self.tables.items():
            table.requires_grad_(bool(self._trainable(tower)))

    def give_back(self) -> None:
        """Back-propagate the tables' gradients into the towers' parameters, last micro-batch first. Frees every graph.

        The order is the same however many graphs were kept, and so is every bit of the sum.
        """
        start_gradients(self._settings.towers.values())
        for apart in list(self._settings.lanes.map(self._return, range(len(self._passes)))):
            apart.hand_over()

    def _embed(self, keep_from: int, numbers: Sequence[int]) -> list[Pass]:
        """Embed some of the micro-batches, in one lane."""
        passes = []
        for number in numbers:
            self._settings.lanes.go_on()
            batch = self._group.text_batches[number]
            # numbered through all processes, so that no two micro-batches draw alike
            seed = mix(self._seed, self._world.rank + number * self._world.size)
            trainable = bool(self._trainable(batch.tower))
            keep = trainable and number >= keep_from
            # A pass of compiled layers without gradients would be another program than its repetition with them.
            with torch.set_grad_enabled(keep or (trainable and self._settings.towers[batch.tower].compiled)):
                output = embedded(self._settings, batch, seed)
            self.tables[batch.tower][:, batch.slots] = output.detach().float()[:, : len(batch.slots)]
            if trainable:
                passes.append(Pass(batch, seed, output if keep else None))
        return passes

    def _return(self, lane: int) -> LaneGradients:
        """Take a lane's passes back; the first adds to the parameters' own gradients, and what it gives is empty."""
        apart, passes = LaneGradients(), self._passes[lane]
        while passes:
            self._settings.lanes.go_on()
            each = passes.pop()
            output, each.output = self._again(each), None
            gradient = self._gradient(each.batch, output)
            if lane == 0:
                torch.autograd.backward(output, gradient)
            else:
                apart.add(self._trainable(each.batch.tower), output, gradient)
            del output
        return apart

    def _again(self, each: Pass) -> Tensor:
        return embedded(self._settings, each.batch, each.seed) if each.output is None else each.output

    def _gradient(self, batch: TextBatch, output: Tensor) -> Tensor:
        """Of a pass's output, in its type. A pass of no texts, made for other processes, has none in the table."""
        if not len(batch.slots):
            return torch.zeros_like(output)
        gradient = self.tables[batch.tower].grad
        assert gradient is not None, f"the objective gave no gradient to tower {batch.tower!r}"
        return gradient[:, batch.slots].to(output.dtype)

    def _first_kept(self, batches: Sequence[TextBatch]) -> int:
        left, first = self._settings.kept_tokens, 0
        for number in range(len(batches) - 1, -1, -1):
            left -= batches[number].features.token_slots
            if left < 0:
                first = number + 1
                break
        if self._settings.matched:  # what one process recomputes is a pass for all
            (first,) = self._settings.processes.highest([first])
        return first

    def _trainable(self, tower: str) -> list[nn.Parameter]:
        return [parameter for parameter in self._settings.towers[tower].parameters() if parameter.requires_grad]

    def _table(self, tower: str, rows: int) -> Tensor:
        """(L, T, D) float32 zeros."""
        embedder = self._settings.towers[tower]
        layers = embedder.depth + 1 if self._settings.every_layer else 1
        return torch.zeros(layers, rows, embedder.embedding_dim, device=embedder.device)


def _dealt_to_lanes(batches: Sequence[TextBatch], count: int) -> list[list[int]]:
    """Numbers of the micro-batches of each lane, rising; all lanes get about the same of the token slots."""
    slots = np.array([batch.features.token_slots for batch in batches])
    return [sorted(dealt(slots, World(lane, count)).tolist()) for lane in range(count)]


def embedded(settings: EmbedSettings, batch: TextBatch, seed: int) -> Tensor:
    """(L, n, D) embeddings of a micro-batch, all its draws from `seed`."""
    tower = settings.towers[batch.tower]
    with settings.precision.training_context(), drawing_from(seed, settings.precision.device, tower.compiled):
        output: Tensor = tower(batch.features, every_layer=settings.every_layer)
    return output
