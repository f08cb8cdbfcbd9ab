"""One training step, in four moves, for every objective: plan, embed, score, return.

* An objective is given embeddings and never runs a model; the step reads its coupling and its views, never its name.
* `batch_size` is the objective's: budgets decide how the work is cut and never what comes out, up to rounding.
* Where rows interact (`Coupling.BATCH`) the whole step is one group of rows; where they do not, groups of whole rows
  go through all four moves one after another, each with its graphs kept.
* Of several processes each embeds a part of the texts, and the tables are completed; where rows do not interact each
  has rows of its own and nothing but the gradients is added up, once, when the step is done (`embtune.train.adding`).

Legend: B rows, L layers, T table rows, D width.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, Objective
from embtune.losses.row_blocks import RowShare, all_rows
from embtune.train.budget import EVERYTHING
from embtune.train.collapse import directions_of
from embtune.train.embed import Embedding, EmbedSettings
from embtune.train.outcome import GroupScores, scalars_of
from embtune.train.prepare import PreparedGroup, PreparedStep
from embtune.train.processes import Alone, Processes
from embtune.train.seeds import draw_from, generator, mix


def run_step(step: PreparedStep, objective: Objective, settings: EmbedSettings, seed: int) -> list[GroupScores]:
    """Add the gradient of the objective over the step's rows to the gradients of everything trainable.

    Args:
        step: planned, and on the device.
        seed: of every draw in this step: dropout, sampled dims and layers.

    Returns:
        What each group of rows came to, for `read_scores`: nothing here waits for the device.
    """
    if objective.coupling is Coupling.BATCH:
        (group,) = step.groups
        scored = _run_group(group, objective, settings, seed, 0)
        assert scored is not None, "all rows are in the one group"
        return [scored]
    world = settings.processes.world
    # the groups are as large as memory allows, and each is one process's
    settings = replace(settings, kept_tokens=EVERYTHING, processes=Alone())
    scores = [
        _run_group(group, objective, settings, seed, world.rank + number * world.size)
        for number, group in enumerate(step.groups)
    ]
    return [each for each in scores if each is not None]


def _run_group(
    group: PreparedGroup, objective: Objective, settings: EmbedSettings, seed: int, number: int
) -> GroupScores | None:
    """All but the planning of one group of rows. number: among those of all processes.

    A group without rows stands for another process's: what is embedded for it is not scored.
    """
    embedding = Embedding(settings, group, mix(seed, number))
    embedding.compute()
    if not group.batch.size:
        embedding.give_back()
        return None
    batch = _scored(group, embedding, settings, seed)
    draw_from(mix(seed, number, "decoders"))
    terms = _score(objective, batch, settings)
    if not settings.processes.world.is_first:
        objective.zero_grad(set_to_none=True)  # of a batch that all have scored: the first process's is added up
    embedding.give_back()
    return _scores(terms, batch, group, embedding)


def _scored(group: PreparedGroup, embedding: Embedding, settings: EmbedSettings, seed: int) -> Batch:
    """The rows with their embeddings: (L, T, D) tables gathered into (L, B, D) views."""
    views = {view: embedding.tables[group.tower_of[view]][:, slots] for view, slots in group.slot_of.items()}
    autocast = settings.precision.autocast
    draws = generator(seed, "objective")
    sharing = partial(_share_of, settings.processes, group.batch.row_block)
    batch = replace(group.batch, embeddings=views, generator=draws, autocast=autocast, sharing=sharing)
    return replace(batch, counts={}, softness={})


def _share_of(processes: Processes, row_block: int, rows: int) -> RowShare:
    """A part of the rows for each process; of those that one block holds, all: they take less time than the sums do."""
    world = processes.world
    if world.is_alone or rows <= row_block:
        return all_rows(rows)
    return RowShare(range(rows * world.rank // world.size, rows * (world.rank + 1) // world.size), processes.add_up)


def _score(objective: Objective, batch: Batch, settings: EmbedSettings) -> dict[str, Tensor]:
    """Move 3. The gradient with respect to tables, heads and decoders is taken here and nowhere else, in float32."""
    with torch.autocast(settings.precision.device.type, enabled=False):
        terms = objective.terms(batch)
        settings.precision.scaled(torch.stack(list(terms.values())).sum()).backward()  # type: ignore[no-untyped-call]
    return {name: value.detach() for name, value in terms.items()}


def _scores(terms: dict[str, Tensor], batch: Batch, group: PreparedGroup, embedding: Embedding) -> GroupScores:
    slots = sum(each.features.token_slots for each in group.text_batches)
    batches, tables = len(group.text_batches), embedding.tables.items()
    directions = {tower: directions_of(table[-1]) for tower, table in tables if table.requires_grad}
    return GroupScores(scalars_of(terms, batch), group.tokens, slots, batches, embedding.recomputed, directions)
