"""Texts embedded by all processes of a run together, outside of training: each a part, and all have all vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import torch

from embtune.evaluate.scoring import Embeddings
from embtune.report.progress import Advance
from embtune.train.dealing import dealt
from embtune.train.processes import Processes

T = TypeVar("T")

_AT_ONCE = 4096  # texts of each process between two looks at whether one of them was told to stop


class Embed(Protocol):
    """Texts to (N, D) float32 vectors, here and now; `progress` is called with the number of texts just done."""

    def __call__(self, texts: Sequence[str], *, progress: Callable[[int], None]) -> Embeddings:
        """Embed."""


class Together:
    """The processes that embed, and what they look at as they go.

    Args:
        check_stop: called by all processes at the same places; may raise.
    """

    def __init__(self, processes: Processes, check_stop: Callable[[], None]) -> None:
        self._processes = processes
        self._check_stop = check_stop

    def of_first(self, measure: Callable[[], T], embed: Callable[[], object]) -> T:
        """What the first process measures on embeddings that all make.

        Args:
            measure: makes the embeddings and measures them.
            embed: makes the same embeddings, in the same order.
        """
        found: T | None = None
        if self._processes.world.is_first:
            found = measure()
        else:
            embed()
        told: T = self._processes.told(found)  # type: ignore[assignment]
        return told

    def embedded(self, embed: Embed, texts: Sequence[str], advance: Advance) -> Embeddings:
        """(N, D) float32, those of all texts in every process."""
        if self._processes.world.is_alone:
            return embed(texts, progress=self._done(advance))
        vectors: Embeddings | None = None
        for mine, portion in self._portions(texts):
            own = embed([texts[place] for place in mine.tolist()], progress=lambda done: None)
            if vectors is None:
                vectors = np.zeros((len(texts), own.shape[1]), dtype=np.float32)
            vectors[mine] = own
            advance(portion)
            self._check_stop()
        if vectors is None:
            return embed(texts, progress=advance)
        self._processes.add_up([torch.from_numpy(vectors)])
        return vectors

    def _done(self, advance: Advance) -> Callable[[int], None]:
        def done(count: int) -> None:
            advance(count)
            self._check_stop()

        return done

    def _portions(self, texts: Sequence[str]) -> Iterator[tuple[np.ndarray, int]]:
        """Which texts of each portion are this process's, and how many the portion has."""
        size = _AT_ONCE * self._processes.world.size
        for start in range(0, len(texts), size):
            characters = np.array([len(text) for text in texts[start : start + size]])
            yield start + dealt(characters, self._processes.world), len(characters)
