"""Training sets whose texts are tokenised beside the first steps: what the plan cannot say of them is said later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embtune.data.token_cache import TokenCache
from embtune.report.progress import Progress
from embtune.train.rows import TrainingRows
from embtune.train.task import Task


class Filling:
    """Those of the tasks whose texts did not all have tokens when this was made.

    waiting: that are still to be told of, by the names of their sets.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.waiting = {task.rows.name: task for task in tasks if not is_whole(task.rows)}

    def finished(self) -> list[Task]:
        """Those that all have them by now; each is given once."""
        finished = [task for task in self.waiting.values() if is_whole(task.rows)]
        for task in finished:
            del self.waiting[task.rows.name]
        return finished

    def wait(self, progress: Progress) -> None:
        """Until all have them; then there is nothing left to be told of."""
        for task in self.waiting.values():
            with progress.stage(f"tokenising the rest of {task.rows.name}"):
                for column in (*task.rows.columns.values(), *task.rows.targets.values()):
                    column.store.whole()
        self.waiting = {}


def is_whole(rows: TrainingRows) -> bool:
    """Whether all texts have their tokens."""
    return all(column.store.is_whole for column in (*rows.columns.values(), *rows.targets.values()))


def tokens_note(rows: TrainingRows) -> str:
    """What the plan says of the tokens of other sets."""
    return f"{rows.name}: all texts are tokenised, {rows.tokens(np.arange(rows.size)).sum():,} tokens"


def tell_cache_notes(cache: TokenCache, progress: Progress) -> None:
    """What there is to say of stores on disk, each sentence once."""
    while cache.notes:
        progress.note(cache.notes.pop(0))
