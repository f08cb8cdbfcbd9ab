"""One training step, in four moves, for every objective: plan, embed, score, return.

* An objective is given embeddings and never runs a model; the step reads its coupling and its views, never its name.
* `batch_size` is the objective's: budgets decide how the work is cut and never what comes out, up to rounding.
* Where rows interact (`Coupling.BATCH`) the whole step is one group of rows; where they do not, groups of whole rows
  go through all four moves one after another, each with its graphs kept.

Legend: B rows, L layers, T table rows, D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Batch, Count, Objective
from embtune.train.budget import EVERYTHING
from embtune.train.embed import Embedding, EmbedSettings
from embtune.train.prepare import PreparedGroup, PreparedStep
from embtune.train.seeds import draw_from, generator, mix


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


def run_step(step: PreparedStep, objective: Objective, settings: EmbedSettings, seed: int) -> StepOutcome:
    """Add the gradient of the objective over the step's rows to the gradients of everything trainable.

    Args:
        step: planned, and on the device.
        seed: of every draw in this step: dropout, sampled dims and layers.
    """
    if objective.coupling is not Coupling.BATCH:  # the groups are as large as memory allows
        settings = replace(settings, kept_tokens=EVERYTHING)
    outcomes = []
    for number, group in enumerate(step.groups):
        embedding = Embedding(settings, group, mix(seed, number))
        embedding.compute()
        batch = _scored(group, embedding, settings, seed)
        draw_from(mix(seed, number, "decoders"))
        terms = _score(objective, batch, settings)
        embedding.give_back()
        outcomes.append(_outcome(terms, batch.counts, group, embedding))
    return _sum(outcomes)


def _scored(group: PreparedGroup, embedding: Embedding, settings: EmbedSettings, seed: int) -> Batch:
    """The rows with their embeddings: (L, T, D) tables gathered into (L, B, D) views."""
    views = {view: embedding.tables[group.tower_of[view]][:, slots] for view, slots in group.slot_of.items()}
    autocast = settings.precision.autocast
    return replace(group.batch, embeddings=views, generator=generator(seed, "objective"), autocast=autocast, counts={})


def _score(objective: Objective, batch: Batch, settings: EmbedSettings) -> dict[str, Tensor]:
    """Move 3. The gradient with respect to tables, heads and decoders is taken here and nowhere else, in float32."""
    with torch.autocast(settings.precision.device.type, enabled=False):
        terms = objective.terms(batch)
        settings.precision.scaled(torch.stack(list(terms.values())).sum()).backward()  # type: ignore[no-untyped-call]
    return {name: value.detach() for name, value in terms.items()}


def _outcome(
    terms: dict[str, Tensor], counts: dict[str, Count], group: PreparedGroup, embedding: Embedding
) -> StepOutcome:
    found = [count.found for count in counts.values()]
    scalars = torch.stack([value.float() for value in (*terms.values(), *found)])
    values = scalars.tolist()  # one wait for the device, not one a term
    named = dict(zip(terms, values, strict=False))
    counted = dict(zip(counts, values[len(terms) :], strict=True))
    slots = sum(batch.features.token_slots for batch in group.text_batches)
    needed = frozenset(name for name, count in counts.items() if count.needed)
    return StepOutcome(named, counted, needed, group.tokens, slots, len(group.text_batches), embedding.recomputed)


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
