"""What a step came to: first as scalars on the device, then, read once, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from embtune.losses.objective import Count


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


@dataclass(frozen=True)
class GroupScores:
    """What one group of rows, or a whole step, came to.

    The scalars may still be being computed: nothing in here waits for them.
    """

    terms: Mapping[str, Tensor]
    counts: Mapping[str, Count]
    tokens: int
    token_slots: int
    micro_batches: int
    recomputed: int

    @property
    def scalars(self) -> list[Tensor]:
        """Terms, then counts."""
        return [*self.terms.values(), *(count.found for count in self.counts.values())]


def read_scores(groups: Sequence[GroupScores], *others: Tensor) -> tuple[StepOutcome, list[float]]:
    """Wait for the device, once, for everything that a step has to tell.

    Args:
        groups: all groups of the step, at least one.
        others: further scalars to read with them.

    Returns:
        The sums over groups, and the values of the others.
    """
    scalars = [scalar for group in groups for scalar in group.scalars]
    values = torch.stack([scalar.double() for scalar in (*scalars, *others)]).tolist()
    width = len(groups[0].scalars)
    sums = [sum(values[place : len(scalars) : width]) for place in range(width)]
    return _outcome(groups, sums), values[len(scalars) :]


def _outcome(groups: Sequence[GroupScores], sums: Sequence[float]) -> StepOutcome:
    terms, counts = groups[0].terms, groups[0].counts
    return StepOutcome(
        dict(zip(terms, sums, strict=False)),
        dict(zip(counts, sums[len(terms) :], strict=True)),
        frozenset(name for name, count in counts.items() if count.needed),
        sum(group.tokens for group in groups),
        sum(group.token_slots for group in groups),
        sum(group.micro_batches for group in groups),
        sum(group.recomputed for group in groups),
    )
