"""What the processes of a run do together: add up, agree, tell, wait. One process does none of it and needs no torch.

Every process calls the same in the same order. Before tensors are added all processes make sure that all are there to
do it: one that ran out of memory says so in place of its next addition, and the others then give the step up as well.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from embtune.errors import LostProcess
from embtune.train.buckets import buckets_of, flattened, spread
from embtune.world import World

T = TypeVar("T")

_STEP = timedelta(minutes=30)  # for what all come to within a step of each other
_PREPARATION = timedelta(days=7)  # for what one process does while the others have nothing to do
_POLLED = 0.01  # seconds: so that a signal ends a wait


class OutOfMemoryElsewhere(torch.OutOfMemoryError):
    """Another process ran out of memory in this step, which nobody finishes."""


class Processes(ABC):
    """All processes of a run, as one of them sees them."""

    world: World

    @abstractmethod
    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes, the same bits everywhere.

        Number, order and shapes of the tensors are the same everywhere too.

        Raises:
            OutOfMemoryElsewhere: nothing was added, for another process cannot.
            LostProcess: another process has ended, or does not answer.
        """

    @abstractmethod
    def out_of_memory(self, error: BaseException) -> None:
        """Say that this process cannot go on with the step; it has called `add_up` to no end, or not at all."""

    @abstractmethod
    def totals(self, numbers: Sequence[int]) -> list[int]:
        """The sum over the processes of each of some numbers, equally many everywhere."""

    @abstractmethod
    def highest(self, numbers: Sequence[int]) -> list[int]:
        """The largest of the processes' numbers, of each of some, equally many everywhere."""

    @abstractmethod
    def told(self, value: T) -> T:
        """What the first process has, as JSON holds it; the others wait for it as long as it takes."""

    @abstractmethod
    def close(self) -> None:
        """Leave the others."""


class Alone(Processes):
    """One process: it has nobody to wait for."""

    world = World()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """The sums are there already."""

    def out_of_memory(self, error: BaseException) -> None:
        """There is nobody to tell."""

    def totals(self, numbers: Sequence[int]) -> list[int]:
        """The numbers."""
        return list(numbers)

    def highest(self, numbers: Sequence[int]) -> list[int]:
        """The numbers."""
        return list(numbers)

    def told(self, value: T) -> T:
        """The value."""
        return value

    def close(self) -> None:
        """Nothing was opened."""


class Group(Processes):
    """Several processes, which meet as this is made: by gloo on the CPU, by nccl on a GPU.

    Raises:
        LostProcess: they do not meet.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        device = torch.device("cpu")
        if torch.cuda.is_available():
            device = torch.device("cuda", world.local_rank)
            torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        with _lost():
            dist.init_process_group(
                backend, store=_store_of(world), world_size=world.size, rank=world.rank, timeout=_STEP
            )
            self._patient = dist.new_group(backend="gloo", timeout=_PREPARATION)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """In a few large sums, whatever the number of tensors."""
        buckets = list(buckets_of(tensors))
        flat = [flattened(bucket) for bucket in buckets[:1]]  # takes the memory that the others are given after it
        if self._anyone_out_of_memory(here=False):
            raise OutOfMemoryElsewhere("another process has no memory left for this step")
        for number, bucket in enumerate(buckets):
            summed = flat.pop() if number == 0 else flattened(bucket)
            with _lost():
                dist.all_reduce(summed)
            spread(summed, bucket)

    def out_of_memory(self, error: BaseException) -> None:
        """In place of the check that `add_up` begins with; those who were told need not tell."""
        if not isinstance(error, OutOfMemoryElsewhere):
            self._anyone_out_of_memory(here=True)

    def totals(self, numbers: Sequence[int]) -> list[int]:
        """On the CPU, so that no GPU is waited for."""
        return self._reduced(numbers, dist.ReduceOp.SUM)

    def highest(self, numbers: Sequence[int]) -> list[int]:
        """On the CPU as well."""
        return self._reduced(numbers, dist.ReduceOp.MAX)

    def told(self, value: T) -> T:
        """Length, then text. The wait is in Python, where signals are heard."""
        text = json.dumps(value).encode() if self.world.is_first else b""
        size = torch.tensor([len(text)])
        self._from_first(size)
        letters = torch.zeros(int(size), dtype=torch.uint8)
        if self.world.is_first:
            letters = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        self._from_first(letters)
        said: T = json.loads(bytes(letters.tolist()))
        return said

    def close(self) -> None:
        """Whoever is still at work does not wait for this process."""
        dist.destroy_process_group()

    def _anyone_out_of_memory(self, here: bool) -> bool:
        return self.highest([int(here)]) != [0]

    def _reduced(self, numbers: Sequence[int], how: Any) -> list[int]:  # noqa: ANN401 torch gives operations no type
        tensor = torch.tensor(numbers, dtype=torch.int64)
        with _lost():
            dist.all_reduce(tensor, how)
        values: list[int] = tensor.tolist()
        return values

    def _from_first(self, tensor: Tensor) -> None:
        with _lost():
            work = dist.broadcast(tensor, 0, group=self._patient, async_op=True)
            while not work.is_completed():
                time.sleep(_POLLED)
            work.wait()


def _store_of(world: World) -> Store:
    """Where they leave word for each other, of this start alone: torchrun keeps one place through all its restarts."""
    store, _, _ = next(rendezvous(world.meeting_point, world.rank, world.size, timeout=_STEP))
    store.set_timeout(_STEP)
    return PrefixStore(f"start-{world.restarts}", store)


def meet(world: World) -> Processes:
    """The processes of a run, once all of them are there."""
    return Alone() if world.is_alone else Group(world)


@contextmanager
def meeting_inside() -> Iterator[None]:
    """Around work that meets the other processes by calls of torch's own, deep inside.

    Raises:
        RunError: another process has ended, or does not answer.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise _lost_process(error) from error


@contextmanager
def _lost() -> Iterator[None]:
    """What torch says when a process is gone is a RuntimeError of many forms."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        raise _lost_process(error) from error


def _lost_process(error: Exception) -> LostProcess:
    said = str(error).partition("\n")[0]
    return LostProcess.of(
        "lost-process",
        f"another process of this run has ended, or does not answer ({said})",
        "Its own message says why. The same command goes on from the last checkpoint.",
    )
