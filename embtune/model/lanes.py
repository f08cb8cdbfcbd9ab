"""Micro-batches side by side on the cores of a CPU, instead of one that all cores share.

A product of a few hundred rows keeps one core busy and two cores half idle, and draws, norms and masks even more so; a
micro-batch on each core keeps both busy with everything. Nothing is shared between lanes but what they read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import TypeVar

import torch

from embtune.model.embedder import TextEmbedder

_MOST = 8  # each has gradients of its own, and needs texts enough
Item = TypeVar("Item")
Result = TypeVar("Result")


class Lanes:
    """Threads that each compute by itself; or none, and the caller computes.

    Args:
        pool: the threads. None is one lane, the caller's.
        count: lanes.
    """

    def __init__(self, pool: ThreadPoolExecutor | None = None, count: int = 1) -> None:
        self._pool = pool
        self._given_up = Event()
        self.count = count

    def map(self, compute: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results in the order of the items; what a computation raises is raised at its place.

        Gradient mode, autocast and the like are each thread's own: `compute` has to set them.
        """
        if self._pool is None:
            yield from map(compute, items)
            return
        under_way = deque(self._pool.submit(compute, item) for item in items)
        try:
            while under_way:
                result = under_way[0].result()  # still under way for whoever is interrupted here
                under_way.popleft()
                yield result
        except BaseException:  # whoever waits is interrupted, or a lane failed: the others need not go on
            self._end(under_way)
            raise

    def _end(self, under_way: Collection[Future[Result]]) -> None:
        """Wait until no lane works any more, so that the same work may begin again."""
        self._given_up.set()
        for each in under_way:
            each.cancel()
        wait(under_way)
        self._given_up.clear()

    def go_on(self) -> None:
        """For a lane to call between its pieces of work.

        Raises:
            CancelledError: nobody waits for them any more.
        """
        if self._given_up.is_set():
            raise CancelledError


@contextmanager
def lanes(count: int) -> Iterator[Lanes]:
    """As many lanes, which share this thread's number of cores; when the context ends they end."""
    if count == 1:
        yield Lanes()
        return
    threads = max(1, torch.get_num_threads() // count)
    with ThreadPoolExecutor(count, "lane", initializer=partial(torch.set_num_threads, threads)) as pool:
        yield Lanes(pool, count)


def lane_count(model: TextEmbedder, device: torch.device) -> int:
    """How many lanes serve this model: as many as there are cores for one process, but for a few kinds.

    A GPU is fed by one; a static model's passes are no products; compiled layers are not safe to enter twice.
    """
    if device.type != "cpu" or not model.depth or model.compiled:
        return 1
    return min(_MOST, torch.get_num_threads())
