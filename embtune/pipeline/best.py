"""The weights of the best evaluation so far, beside the checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from embtune.train.checkpoint import load_weights, save_weights
from embtune.train.optimizer import Trainables
from embtune.train.processes import Processes


class BestWeights:
    """`folder/step-000040/`: one set of weights for each step that was the best one when it was evaluated.

    They stay as long as any checkpoint on disk names them: whichever a run goes on from, its best weights are there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, trainables: Trainables, step: int, writers: Processes | None = None) -> None:
        """Write the weights as they stand.

        Args:
            writers: as `Checkpoints.save` takes them.

        Raises:
            RunError: they cannot be written.
        """
        save_weights(trainables, self._path(step), writers)

    def load(self, trainables: Trainables, step: int) -> None:
        """Put back the weights of a step that was saved.

        Raises:
            RunError: they are not there, or of other parameters.
        """
        load_weights(trainables, self._path(step))

    def keep_only(self, steps: Collection[int]) -> None:
        """Remove all others."""
        kept = {self._path(step) for step in steps}
        for path in self.folder.glob("step-[0-9]*"):
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:06d}"
