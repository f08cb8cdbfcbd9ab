"""Make things on a thread of their own, before they are asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


def made_ahead(things: Iterable[T], ahead: int) -> Generator[T, None, None]:
    """The same things in the same order, made by a thread while the caller uses the ones before.

    The thread ends with the things or when the generator is closed, whichever comes first; closing waits for the thing
    that is being made. What is made must not draw from torch's global generators: they are the caller's.

    Args:
        things: iterated on the thread alone.
        ahead: how many may wait to be asked for, at least 1.

    Raises:
        BaseException: whatever making a thing raised, as itself, where that thing would have come.
    """
    made: SimpleQueue[_Made[T] | _Over] = SimpleQueue()
    room = _Room(ahead)
    thread = Thread(target=_make, args=(things, made, room), name="made-ahead", daemon=True)
    thread.start()
    try:
        while isinstance(found := made.get(), _Made):
            room.free()
            yield found.thing
        if found.error is not None:
            raise found.error
    finally:
        room.close()
        thread.join()


@dataclass(frozen=True)
class _Made(Generic[T]):
    thing: T


@dataclass(frozen=True)
class _Over:
    error: BaseException | None


class _Room:
    """Places for things that wait. A closed room wakes the thread and tells it to stop."""

    def __init__(self, places: int) -> None:
        self._places = Semaphore(places)
        self._closed = False

    def take(self) -> bool:
        """Wait for a place. False: there is no use in making more."""
        self._places.acquire()
        return not self._closed

    def free(self) -> None:
        """A thing was asked for, and its place is free."""
        self._places.release()

    def close(self) -> None:
        """Nothing will be asked for any more."""
        self._closed = True
        self._places.release()


def _make(things: Iterable[T], made: SimpleQueue[_Made[T] | _Over], room: _Room) -> None:
    left = iter(things)
    try:
        while room.take():
            made.put(_Made(next(left)))
    except StopIteration:
        made.put(_Over(None))
    except BaseException as error:  # also what is no failure: it is the caller's to judge
        made.put(_Over(error))
