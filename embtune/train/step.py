"""One training step, in four moves, for every objective: plan, embed, score, return.

* An objective is given embeddings and never runs a model; the step reads its coupling and its views, never its name.
* `batch_size` is the objective's: budgets decide how the work is cut and never what comes out, up to rounding.
* Where rows interact (`Coupling.BATCH`) the whole step is one group of rows; where they do not, groups of whole rows
  go through all four moves one after another, each with its graphs kept.

Legend: B rows, L layers, T table rows, D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, Count, Objective, View
from embtune.train.embed import EVERYTHING, Embedding, EmbedSettings
from embtune.train.plan import TextPlan, plan_texts, row_groups
from embtune.train.rows import TrainingRows
from embtune.train.seeds import draw_from, generator, mix


@dataclass(frozen=True)
class StepSettings:
    """How a step is cut to fit the machine. Nothing in here changes its result."""

    embed: EmbedSettings
    micro_batch_tokens: int
    group_tokens: int  # most tokens of a group of rows that do not interact
    row_block: int


@dataclass(frozen=True)
class StepOutcome:
    """What a step came to: term -> value, what there was to learn from, and what it took.

    needed: the counts without which there is nothing to learn.
    """

    terms: dict[str, float]
    counts: dict[str, float]
    needed: frozenset[str]
    tokens: int  # real tokens embedded, once each
    token_slots: int  # the same with padding
    micro_batches: int
    recomputed: int

    @property
    def loss(self) -> float:
        """The sum of the terms: what the step minimised."""
        return sum(self.terms.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The needed counts that are zero."""
        return tuple(name for name, count in self.counts.items() if name in self.needed and count == 0)


def run_step(
    data: TrainingRows, rows: np.ndarray, objective: Objective, settings: StepSettings, seed: int
) -> StepOutcome:
    """Add the gradient of the objective over `rows` to the gradients of everything trainable.

    Args:
        rows: (B,) row numbers of `data`: the whole batch of the loss.
        seed: of every draw in this step: dropout, sampled dims and layers.
    """
    whole = _labels_of(data, rows, settings)
    share = not any(tower.has_dropout and tower.training for tower in settings.embed.towers.values())
    rows_interact = objective.coupling is Coupling.BATCH
    embed = settings.embed if rows_interact else replace(settings.embed, kept_tokens=EVERYTHING)
    groups = [rows] if rows_interact else row_groups(rows, data.tokens(rows), settings.group_tokens)
    outcomes = []
    for number, group in enumerate(groups):
        plan = plan_texts(data, group, settings.micro_batch_tokens, share)
        embedding = Embedding(embed, data, plan, mix(seed, number))
        embedding.compute()
        batch = _scored(_labels_of(data, group, settings), whole, embedding, plan, seed)
        batch = replace(batch, frozen=_frozen(data, group, settings), autocast=settings.embed.precision.autocast)
        draw_from(mix(seed, number, "decoders"))
        terms = _score(objective, batch, settings)
        embedding.give_back()
        outcomes.append(_outcome(terms, batch.counts, plan, embedding))
    return _sum(outcomes)


def _labels_of(data: TrainingRows, rows: np.ndarray, settings: StepSettings) -> Batch:
    """Labels, targets and presence of some rows, without embeddings."""
    device = settings.embed.precision.device
    labels = None if data.labels is None else data.labels[torch.from_numpy(rows)].to(device)
    targets = {view: column.padded(rows).to(device) for view, column in data.targets.items()}
    present = {}
    for view, column in data.columns.items():
        if column.is_ragged:
            present[view.role] = torch.from_numpy(column.text_of_row[rows] >= 0).to(device)
    return Batch({}, labels, present, len(rows), row_block=settings.row_block, targets=targets, roles=data.roles)


def _scored(rows: Batch, whole: Batch, embedding: Embedding, plan: TextPlan, seed: int) -> Batch:
    """The rows with their embeddings: (L, T, D) tables gathered into (L, B, D) views."""
    views: dict[View, Tensor] = {}
    for view in plan.views:
        table = embedding.tables[plan.tower_of[view]]
        slots = torch.from_numpy(np.maximum(plan.slot_of[view], 0)).to(table.device)
        views[view] = table[:, slots]  # an absent text stands as some other one: `present` masks it
    return replace(rows, embeddings=views, whole=whole, generator=generator(seed, "objective"))


def _frozen(data: TrainingRows, rows: np.ndarray, settings: StepSettings) -> dict[View, Tensor]:
    device = settings.embed.precision.device
    return {view: column.embeddings(rows).to(device) for view, column in data.frozen.items()}


def _score(objective: Objective, batch: Batch, settings: StepSettings) -> dict[str, Tensor]:
    """Move 3. The gradient with respect to tables, heads and decoders is taken here and nowhere else, in float32."""
    with torch.autocast(settings.embed.precision.device.type, enabled=False):
        terms = objective.terms(batch)
        settings.embed.precision.scaled(torch.stack(list(terms.values())).sum()).backward()  # type: ignore[no-untyped-call]
    return {name: value.detach() for name, value in terms.items()}


def _outcome(terms: dict[str, Tensor], counts: dict[str, Count], plan: TextPlan, embedding: Embedding) -> StepOutcome:
    found = [count.found for count in counts.values()]
    scalars = torch.stack([value.float() for value in (*terms.values(), *found)])
    values = scalars.tolist()  # one wait for the device, not one a term
    named = dict(zip(terms, values, strict=False))
    counted = dict(zip(counts, values[len(terms) :], strict=True))
    slots = sum(batch.token_slots for batch in plan.micro_batches)
    needed = frozenset(name for name, count in counts.items() if count.needed)
    return StepOutcome(named, counted, needed, plan.tokens, slots, len(plan.micro_batches), embedding.recomputed)


def _sum(outcomes: list[StepOutcome]) -> StepOutcome:
    return StepOutcome(
        {name: sum(outcome.terms[name] for outcome in outcomes) for name in outcomes[0].terms},
        {name: sum(outcome.counts[name] for outcome in outcomes) for name in outcomes[0].counts},
        outcomes[0].needed,
        sum(outcome.tokens for outcome in outcomes),
        sum(outcome.token_slots for outcome in outcomes),
        sum(outcome.micro_batches for outcome in outcomes),
        sum(outcome.recomputed for outcome in outcomes),
    )
