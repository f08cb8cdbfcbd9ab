"""Things made ahead are the same things, no more of them than asked for, and their thread ends in every case."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from embtune.train.ahead import made_ahead


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "made-ahead"]


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds."""
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.001)


def test_things_come_in_order_and_the_thread_ends_with_them() -> None:
    assert list(made_ahead(range(50), 2)) == list(range(50))
    assert list(made_ahead([], 2)) == []
    assert threads() == []


def test_no_more_are_made_than_may_wait() -> None:
    made: list[int] = []

    def things() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    asked = made_ahead(things(), 2)
    for number in range(4):
        assert next(asked) == number
        until(lambda: len(made) == number + 3)  # noqa: B023 - called at once
    time.sleep(0.02)
    assert made == list(range(6))
    asked.close()
    assert threads() == []


def test_they_are_made_on_another_thread() -> None:
    assert next(iter(made_ahead((threading.current_thread().name for _ in range(1)), 1))) == "made-ahead"


def failing() -> Iterator[int]:
    yield from (0, 1)
    raise KeyError("the third")


def test_a_failure_comes_as_itself_where_its_thing_would_have_come() -> None:
    seen: list[int] = []
    with pytest.raises(KeyError, match="the third") as raised:
        seen.extend(made_ahead(failing(), 5))
    assert seen == [0, 1]
    assert raised.traceback[-1].name == "failing"
    assert threads() == []


def test_a_failure_that_nobody_asked_for_is_nobodys() -> None:
    asked = made_ahead(failing(), 5)
    assert next(asked) == 0
    asked.close()
    assert threads() == []


def test_breaking_off_ends_the_thread() -> None:
    for number in made_ahead(range(1000), 2):
        if number == 3:
            break
    assert threads() == []
