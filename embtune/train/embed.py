"""Moves 2 and 4: embed the planned texts into a table of leaves, and push the table's gradient back through them.

A micro-batch either *keeps* its graph or is embedded without one and *recomputed* when its gradient is known (gradient
caching: Gao, Zhang, Han, Callan 2021, arXiv:2101.06983). Both passes draw dropout from the same seed, so the second is
the first again, and keeping or recomputing changes memory and time but no bit of the gradient.

Legend: T table rows, L layers, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from embtune.model.embedder import TextEmbedder
from embtune.train.precision import MixedPrecision
from embtune.train.prepare import PreparedGroup, TextBatch
from embtune.train.processes import Alone, Processes
from embtune.train.seeds import draw_from, mix
from embtune.train.token_gradients import start_gradients


@dataclass(frozen=True)
class EmbedSettings:
    """How to embed: with which towers, at which precision, and how many token slots may keep their graphs at a time.

    processes: those that share the texts of a group; each embeds a part and has the whole tables.
    """

    towers: Mapping[str, TextEmbedder]
    precision: MixedPrecision
    every_layer: bool
    kept_tokens: int
    processes: Processes = field(default_factory=Alone)


class Embedding:
    """The embeddings of one group of rows: the tables to score, and the way back into the towers."""

    def __init__(self, settings: EmbedSettings, group: PreparedGroup, seed: int) -> None:
        self._settings = settings
        self._group = group
        self._seed = seed
        self._embedded: list[tuple[TextBatch, int, Tensor | None]] = []  # with their seeds; with a graph or without
        self._world = settings.processes.world
        self.tables = {tower: self._table(tower, rows) for tower, rows in group.table_rows.items()}  # leaves
        self.recomputed = 0  # micro-batches that are embedded a second time

    def compute(self) -> None:
        """Fill the tables. The micro-batches that fit last keep their graphs, so that they are freed first."""
        keep_from = self._first_kept(self._group.text_batches)
        for number, batch in enumerate(self._group.text_batches):
            # numbered through all processes, so that no two micro-batches draw alike
            place = self._world.rank + number * self._world.size
            trainable, seed = self._trainable(batch.tower), mix(self._seed, place)
            keep = trainable and number >= keep_from
            # A pass of compiled layers without gradients would be another program than its repetition with them.
            with torch.set_grad_enabled(keep or (trainable and self._settings.towers[batch.tower].compiled)):
                output = embedded(self._settings, batch, seed)
            self.tables[batch.tower][:, batch.slots] = output.detach().float()
            if trainable:
                self._embedded.append((batch, seed, output if keep else None))
                self.recomputed += not keep
        self._settings.processes.add_up(list(self.tables.values()))  # each has zeros where the others have embeddings
        for tower, table in self.tables.items():
            table.requires_grad_(self._trainable(tower))

    def give_back(self) -> None:
        """Back-propagate the tables' gradients into the towers' parameters, last micro-batch first. Frees every graph.

        The order is the same however many graphs were kept, and so is every bit of the sum.
        """
        start_gradients(self._settings.towers.values())
        while self._embedded:
            batch, seed, output = self._embedded.pop()
            self._backward(batch, embedded(self._settings, batch, seed) if output is None else output)
            del output

    def _first_kept(self, batches: Sequence[TextBatch]) -> int:
        left = self._settings.kept_tokens
        for number in range(len(batches) - 1, -1, -1):
            left -= batches[number].features.token_slots
            if left < 0:
                return number + 1
        return 0

    def _trainable(self, tower: str) -> bool:
        return any(parameter.requires_grad for parameter in self._settings.towers[tower].parameters())

    def _table(self, tower: str, rows: int) -> Tensor:
        """(L, T, D) float32 zeros."""
        embedder = self._settings.towers[tower]
        layers = embedder.depth + 1 if self._settings.every_layer else 1
        return torch.zeros(layers, rows, embedder.embedding_dim, device=embedder.device)

    def _backward(self, batch: TextBatch, output: Tensor) -> None:
        gradient = self.tables[batch.tower].grad
        assert gradient is not None, f"the objective gave no gradient to tower {batch.tower!r}"
        torch.autograd.backward(output, gradient[:, batch.slots].to(output.dtype))


def embedded(settings: EmbedSettings, batch: TextBatch, seed: int) -> Tensor:
    """(L, n, D) embeddings of a micro-batch, all its draws from `seed`."""
    draw_from(seed)
    with settings.precision.training_context():
        output: Tensor = settings.towers[batch.tower](batch.features, every_layer=settings.every_layer)
    return output
