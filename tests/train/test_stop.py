"""Signals: the first is noted once there is something to save, any other ends the run where it stands."""

from __future__ import annotations

import os
import signal
import time

import pytest

from embtune.errors import Stopped
from embtune.train.processes import Alone
from embtune.train.stop import listening


def stopped_orderly() -> None:
    """A run that is told to stop in a step, and looks when the step is done."""
    with listening() as stop:
        stop.at_step_ends = True
        os.kill(os.getpid(), signal.SIGTERM)
        stop.check(Alone())


def stopped_twice(saved: list[str]) -> None:
    """A run that is told to stop a second time, under code that saves on any failure."""
    with listening() as stop:
        stop.at_step_ends = True
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1.1)
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except Exception:
            saved.append("a half step")


def test_a_first_signal_is_noted_and_told_where_all_is_in_order() -> None:
    with pytest.raises(Stopped) as stopped:
        stopped_orderly()
    assert stopped.value.signum == signal.SIGTERM


def test_a_second_signal_passes_every_handler_of_failures_and_nobody_saves() -> None:
    saved: list[str] = []
    with pytest.raises(Stopped, match="stopped at once"):
        stopped_twice(saved)
    assert saved == []


def test_what_a_terminal_and_a_launcher_tell_at_once_is_one_signal() -> None:
    with listening() as stop:
        stop.at_step_ends = True
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped) as stopped:
            stop.check(Alone())
    assert stopped.value.signum == signal.SIGINT


def test_before_there_is_anything_to_save_the_first_signal_ends_the_run() -> None:
    with pytest.raises(Stopped, match="stopped at once"), listening():
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with listening():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
