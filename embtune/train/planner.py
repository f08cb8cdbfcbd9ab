"""The steps of a run as they could start now, each from nothing but its number and the budget.

So it matters not when, where or how often a step is planned: ahead of the device, again after it ran out of memory, or
in a resumed run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from embtune.model.embedder import TextEmbedder
from embtune.train.batches import BatchSchedule, Place
from embtune.train.budget import Budget
from embtune.train.prepare import Cutting, prepare_step
from embtune.train.seeds import mix
from embtune.train.sending import Sender, SentStep
from embtune.train.task import Task
from embtune.world import ALONE, World


@dataclass(frozen=True)
class PlannedStep:
    """A step that could start now. number: of steps before it. seed: of its draws. budget: what it was cut by."""

    number: int
    seed: int
    place: Place
    task: Task
    budget: Budget
    sent: SentStep


class Planner:
    """Plans the steps of one run.

    Args:
        towers: in the mode they are trained in. An evaluation between two steps may switch them: it is not asked again.
        seed: the run's.
        world: the processes that share each step.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        towers: Mapping[str, TextEmbedder],
        schedule: BatchSchedule,
        device: torch.device,
        seed: int,
        world: World = ALONE,
    ) -> None:
        self._tasks = tasks
        self._towers = towers
        self._schedule = schedule
        self._sender = Sender(device)
        self._seed = seed
        self._world = world
        self._share = not any(tower.has_dropout and tower.training for tower in towers.values())

    def plan(self, number: int, budget: Budget) -> PlannedStep:
        """The step that follows `number` finished ones, on its way to the device."""
        place, seed = self._schedule.at(number), mix(self._seed, number)
        task = self._tasks[place.batch.dataset]
        data, rows = task.of_step(place.batch.rows, mix(seed, "rows"))
        cutting = Cutting(self._towers, budget, self._share, self._world)
        step = prepare_step(data, rows, task.objective.coupling, cutting)
        return PlannedStep(number, seed, place, task, budget, self._sender.send(step))
