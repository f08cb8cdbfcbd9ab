"""The last move of a step: what each process found is added up, once, over everything trainable.

Legend: D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from embtune.catalog.spec import Coupling
from embtune.train.collapse import Directions
from embtune.train.outcome import GroupScores, Kind, Named, summed_directions
from embtune.train.processes import Processes
from embtune.train.shards import is_spread

_Names = tuple[list[Named], dict[str, int]]  # of the scalars; towers and the width of their embeddings


def add_up_step(
    processes: Processes,
    parameters: Sequence[nn.Parameter],
    groups: Sequence[GroupScores],
    coupling: Coupling,
    idle: bool,
) -> GroupScores:
    """Give every process the gradients of the whole step, and its scores; whatever each had to do, all call it.

    A parameter that got a gradient anywhere has the sum of all, one that got none stays without. Of those that are
    spread over the processes the sums are there already: each backward pass left them.

    Args:
        parameters: everything trainable, in the same order everywhere.
        groups: what this process scored.
        coupling: where rows interact all processes have scored the same rows, which count once.
        idle: some process may have no group (`PreparedStep.idle`).

    Raises:
        OutOfMemoryElsewhere: nothing was added, for another process cannot.
        RunError: another process has ended.
    """
    device = parameters[0].device
    parameters = [parameter for parameter in parameters if not is_spread(parameter)]
    found = [parameter.grad is not None for parameter in parameters]
    names, towers = _told(processes, groups) if idle else _names(groups)
    counted = groups if coupling is not Coupling.BATCH or processes.world.is_first else ()
    own = summed_directions(counted)
    texts = [own[tower].texts if own else 0 for tower in towers]
    work = [sum(numbers) for numbers in zip(*(_work(group) for group in groups), strict=True)] or [0] * 4
    totals = processes.totals([*found, *work, *texts])
    reached, (tokens, token_slots, micro_batches, recomputed) = totals[: len(found)], totals[len(found) :][:4]
    gradients = [_gradient(each) for each, times in zip(parameters, reached, strict=True) if times]
    sums = torch.zeros(len(names), dtype=torch.float64, device=device)
    for group in counted:
        sums += torch.stack([scalar.double() for scalar in group.scalars.values()])
    pointing = [own[tower].total if own else sums.new_zeros(width).float() for tower, width in towers.items()]
    processes.add_up([*gradients, sums, *pointing])
    directions = map(Directions, pointing, totals[len(found) + 4 :])
    return GroupScores(
        dict(zip(names, sums.unbind(), strict=True)),
        tokens, token_slots, micro_batches, recomputed,
        dict(zip(towers, directions, strict=True)),
    )  # fmt: skip


def _work(group: GroupScores) -> tuple[int, int, int, int]:
    return group.tokens, group.token_slots, group.micro_batches, group.recomputed


def _names(groups: Sequence[GroupScores]) -> _Names:
    """What a step is told by; nothing where there is no group."""
    if not groups:
        return [], {}
    return list(groups[0].scalars), {name: len(each.total) for name, each in groups[0].directions.items()}


def _told(processes: Processes, groups: Sequence[GroupScores]) -> _Names:
    """The first process's, which always has a group."""
    names, towers = processes.told(_names(groups))
    return [Named(Kind(kind), name) for kind, name in names], towers


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
