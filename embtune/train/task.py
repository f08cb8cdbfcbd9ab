"""What is trained: one dataset, and the objective that scores it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embtune.losses.objective import Objective
from embtune.train.making import RowMaker
from embtune.train.rows import TrainingRows


@dataclass(frozen=True)
class Task:
    """One dataset and the objective it is trained with. maker: makes the rows of each step, where they are made."""

    rows: TrainingRows
    objective: Objective
    every_layer: bool
    maker: RowMaker | None = None

    def of_step(self, rows: np.ndarray, seed: int) -> tuple[TrainingRows, np.ndarray]:
        """The data of a step that is planned over `rows`, and the rows of it that the objective scores."""
        if self.maker is None:
            return self.rows, rows
        made = self.maker.make(self.rows, rows, seed)
        return made, np.arange(made.size)
