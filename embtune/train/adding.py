"""The last move of a step: what each process found is added up, once, over everything trainable."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from embtune.catalog.spec import Coupling
from embtune.losses.objective import Count
from embtune.train.outcome import GroupScores
from embtune.train.processes import Processes


def add_up_step(
    processes: Processes,
    parameters: Sequence[nn.Parameter],
    groups: Sequence[GroupScores],
    coupling: Coupling,
    idle: bool,
) -> GroupScores:
    """Give every process the gradients of the whole step, and its scores; whatever each had to do, all call it.

    A parameter that got a gradient anywhere has the sum of all, one that got none stays without.

    Args:
        parameters: everything trainable, in the same order everywhere.
        groups: what this process scored.
        coupling: where rows interact all processes have scored the same rows, which count once.
        idle: some process may have no group (`PreparedStep.idle`).

    Raises:
        OutOfMemoryElsewhere: nothing was added, for another process cannot.
        RunError: another process has ended.
    """
    found = [parameter.grad is not None for parameter in parameters]
    work = [sum(numbers) for numbers in zip(*(_work(group) for group in groups), strict=True)] or [0] * 4
    *reached, tokens, token_slots, micro_batches, recomputed = processes.totals([*found, *work])
    gradients = [_gradient(each) for each, times in zip(parameters, reached, strict=True) if times]
    terms, counts = processes.told(_names(groups)) if idle else _names(groups)
    sums = torch.zeros(len(terms) + len(counts), dtype=torch.float64, device=parameters[0].device)
    if coupling is not Coupling.BATCH or processes.world.is_first:
        for group in groups:
            sums += torch.stack([scalar.double() for scalar in group.scalars])
    processes.add_up([*gradients, sums])
    values = list(sums.unbind())
    return GroupScores(
        dict(zip(terms, values, strict=False)),
        {name: Count(value, counts[name]) for name, value in zip(counts, values[len(terms) :], strict=True)},
        tokens, token_slots, micro_batches, recomputed,
    )  # fmt: skip


def _work(group: GroupScores) -> tuple[int, int, int, int]:
    return group.tokens, group.token_slots, group.micro_batches, group.recomputed


def _names(groups: Sequence[GroupScores]) -> tuple[list[str], dict[str, bool]]:
    """Those of the terms, and of the counts with whether there must be some; nothing where there is no group."""
    if not groups:
        return [], {}
    return list(groups[0].terms), {name: count.needed for name, count in groups[0].counts.items()}


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
