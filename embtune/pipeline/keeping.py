"""What a session leaves on disk: the first process of a run everything, another one nothing or its part of weights."""

from __future__ import annotations

from abc import ABC, abstractmethod

from embtune.files import write_beside, writing
from embtune.pipeline.best import BestWeights
from embtune.report.events import Event
from embtune.report.metrics_log import MetricsLog
from embtune.train.checkpoint import Checkpoints
from embtune.train.loop import Training
from embtune.train.state import TrainState


class Keeper(ABC):
    """Keeps what a session comes to.

    Its methods raise RunError where something cannot be written.
    """

    @abstractmethod
    def event(self, event: Event) -> None:
        """A line of the metrics log."""

    @abstractmethod
    def best(self, training: Training, step: int) -> None:
        """The weights as they stand, which are the best so far."""

    @abstractmethod
    def checkpoint(self, training: Training, state: TrainState) -> str:
        """Everything that the run can go on from; gives its place in the run's directory."""

    @abstractmethod
    def bad_rows(self, step: int, rows: str) -> str:
        """The rows of a step that went wrong, as JSON Lines; gives their place in the run's directory."""


class OnDisk(Keeper):
    """Keeps everything in the run's directory."""

    def __init__(self, checkpoints: Checkpoints, best: BestWeights, log: MetricsLog) -> None:
        self._checkpoints = checkpoints
        self._best = best
        self._log = log

    def event(self, event: Event) -> None:
        """Appended."""
        self._log.write(event)

    def best(self, training: Training, step: int) -> None:
        """Beside those of other steps that a checkpoint names."""
        self._best.save(training.trainables, step, training.writers)

    def checkpoint(self, training: Training, state: TrainState) -> str:
        """The newest; old ones go, and weights that no checkpoint names."""
        path = self._checkpoints.save(training.trainables, training.optimizer, state, training.writers)
        self._best.keep_only(self._checkpoints.best_steps())
        return str(path.relative_to(self._checkpoints.folder.parent))

    def bad_rows(self, step: int, rows: str) -> str:
        """In a file named by the step."""
        run = self._checkpoints.folder.parent
        path = run / "non_finite" / f"step-{step:06d}.jsonl"
        with writing(path):
            path.parent.mkdir(exist_ok=True)
        write_beside(path, rows)
        return str(path.relative_to(run))


class Nowhere(Keeper):
    """Keeps nothing: the first process has all of it."""

    def event(self, event: Event) -> None:
        """Not kept."""

    def best(self, training: Training, step: int) -> None:
        """Not kept."""

    def checkpoint(self, training: Training, state: TrainState) -> str:
        """Not kept."""
        return ""

    def bad_rows(self, step: int, rows: str) -> str:
        """Not kept."""
        return ""


class Parts(Keeper):
    """Adds this process's part to the weights that all processes write together; the first has everything else."""

    def __init__(self, checkpoints: Checkpoints, best: BestWeights) -> None:
        self._checkpoints = checkpoints
        self._best = best

    def event(self, event: Event) -> None:
        """Not kept."""

    def best(self, training: Training, step: int) -> None:
        """Its part."""
        self._best.save(training.trainables, step, training.writers)

    def checkpoint(self, training: Training, state: TrainState) -> str:
        """Its part."""
        self._checkpoints.save(training.trainables, training.optimizer, state, training.writers)
        return ""

    def bad_rows(self, step: int, rows: str) -> str:
        """Not kept."""
        return ""
