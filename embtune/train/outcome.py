"""What a step came to: first as scalars on the device, then, read once, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from torch import Tensor

from embtune.losses.objective import Batch
from embtune.losses.softness import relative_costs
from embtune.train.collapse import Directions


class Kind(StrEnum):
    """What a scalar of a step is."""

    TERM = "term"
    COUNT = "count"  # of something to learn from
    NEEDED = "needed"  # the same, without which nothing is learnt
    COST = "cost"  # and the next two: of `Softness`
    CANDIDATES = "candidates"
    SPREAD = "spread"


class Named(NamedTuple):
    """A scalar's key: what it is, and of which term or count."""

    kind: Kind
    name: str


Scalars = dict[Named, Tensor]
"""All scalars of a group of rows; those of a step's groups have the same keys in the same order, and are added up."""


@dataclass(frozen=True)
class Vitals:
    """By what a training that learns nothing is told.

    cosines: tower that is trained -> the mean cosine of two texts of the step (`embtune.train.collapse`).
    costs, least_costs: term -> `relative_costs` of its `Softness`, for losses that report one.
    """

    cosines: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    least_costs: dict[str, float] = field(default_factory=dict)


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
    vitals: Vitals = field(default_factory=Vitals)

    @property
    def loss(self) -> float:
        """The sum of the terms: what the step minimised."""
        return sum(self.terms.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The needed counts that are zero."""
        return tuple(name for name, count in self.counts.items() if name in self.needed and count == 0)


@dataclass(frozen=True)
class GroupScores:
    """What one group of rows, or a whole step, came to.

    The scalars may still be being computed: nothing in here waits for them.
    directions: tower that is trained -> where its embeddings point.
    """

    scalars: Scalars
    tokens: int
    token_slots: int
    micro_batches: int
    recomputed: int
    directions: Mapping[str, Directions] = field(default_factory=dict)


def scalars_of(terms: Mapping[str, Tensor], batch: Batch) -> Scalars:
    """The terms, and what the objective has reported of the batch beside them."""
    counts = {
        Named(Kind.NEEDED if each.needed else Kind.COUNT, name): each.found for name, each in batch.counts.items()
    }
    softness = {
        Named(kind, name): value
        for name, each in batch.softness.items()
        for kind, value in ((Kind.COST, each.cost), (Kind.CANDIDATES, each.candidates), (Kind.SPREAD, each.spread))
    }
    return {Named(Kind.TERM, name): value for name, value in terms.items()} | counts | softness


def read_scores(groups: Sequence[GroupScores], *others: Tensor) -> tuple[StepOutcome, list[float]]:
    """Wait for the device, once, for everything that a step has to tell.

    Args:
        groups: all groups of the step, at least one.
        others: further scalars to read with them.

    Returns:
        The sums over groups, and the values of the others.
    """
    directions = summed_directions(groups)
    scalars = [scalar for group in groups for scalar in group.scalars.values()]
    squares = [each.squared for each in directions.values()]
    values = torch.stack([scalar.double() for scalar in (*scalars, *squares, *others)]).tolist()
    width, beside = len(groups[0].scalars), values[len(scalars) :]
    sums = [sum(values[place : len(scalars) : width]) for place in range(width)]
    found = dict(zip(groups[0].scalars, sums, strict=True))
    cosines = {name: each.mean_cosine(square) for (name, each), square in zip(directions.items(), beside, strict=False)}
    return _outcome(groups, found, cosines), beside[len(squares) :]


def summed_directions(groups: Sequence[GroupScores]) -> dict[str, Directions]:
    """Those of the texts of all groups, by tower."""
    towers = groups[0].directions if groups else {}
    return {tower: reduce(add, (group.directions[tower] for group in groups)) for tower in towers}


def _outcome(groups: Sequence[GroupScores], found: Mapping[Named, float], cosines: dict[str, float]) -> StepOutcome:
    def of(*kinds: Kind) -> dict[str, float]:
        return {named.name: value for named, value in found.items() if named.kind in kinds}

    softness = zip(of(Kind.COST).values(), of(Kind.CANDIDATES).values(), of(Kind.SPREAD).values(), strict=True)
    relative = {name: relative_costs(*each) for name, each in zip(of(Kind.COST), softness, strict=True)}
    return StepOutcome(
        of(Kind.TERM),
        of(Kind.COUNT, Kind.NEEDED),
        frozenset(of(Kind.NEEDED)),
        sum(group.tokens for group in groups),
        sum(group.token_slots for group in groups),
        sum(group.micro_batches for group in groups),
        sum(group.recomputed for group in groups),
        Vitals(
            cosines,
            {name: cost for name, (cost, _) in relative.items()},
            {name: least for name, (_, least) in relative.items()},
        ),
    )
