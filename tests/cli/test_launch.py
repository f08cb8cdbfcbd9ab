"""One exit code for several processes, and which ends are worth another start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from embtune.cli.fault_note import leave_note
from embtune.cli.launch import Launch
from embtune.cli.output import run
from embtune.cli.process_ends import Ended, exit_code_of, may_pass
from embtune.errors import LostProcess, RunError, UsageError
from embtune.world import World


def ended(codes: Mapping[int, int]) -> dict[int, Ended]:
    return {rank: Ended(code) for rank, code in codes.items()}


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ({0: 1}, 1),
        ({0: 2, 1: -15}, 2),  # stopped because the first failed
        ({0: 1, 1: 2}, 2),  # left alone, and noticed
        ({0: 143, 1: -15}, 143),
        ({0: -15, 1: -15}, 143),
        ({0: 130}, 130),
    ],
)
def test_the_exit_code_is_that_of_the_process_that_failed_by_itself(codes: dict[int, int], code: int) -> None:
    assert exit_code_of(ended(codes)) == code


def test_a_killed_process_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(ended({0: 1, 1: -9, 2: -15})) == 1
    said = capsys.readouterr().err
    assert "process 1 was ended by SIGKILL; the others were stopped" in said
    assert "process 2" not in said


def test_restarts_that_are_used_up_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(ended({1: -11}), restarts=2) == 1
    assert "process 1 was ended by SIGSEGV after 2 restarts" in capsys.readouterr().err
    assert exit_code_of({0: Ended(1, "RuntimeError: the device is gone")}, restarts=1) == 1
    assert "process 0 failed (RuntimeError: the device is gone) after a restart" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ends", "worth_it"),
    [
        ({1: Ended(-9)}, True),
        ({0: Ended(143), 1: Ended(-9)}, True),  # told to end because the other was killed
        ({0: Ended(1, "lost"), 1: Ended(-6)}, True),
        ({0: Ended(1, "a fault"), 1: Ended(-15)}, True),
        ({0: Ended(143), 1: Ended(143)}, False),  # a signal of the user's
        ({0: Ended(-15), 1: Ended(-15)}, False),
        ({0: Ended(-2)}, False),
        ({0: Ended(2)}, False),  # a mistake of the user's
        ({0: Ended(1), 1: Ended(1, "lost")}, False),  # an error that comes again
    ],
)
def test_what_may_pass_is_started_again(ends: dict[int, Ended], worth_it: bool) -> None:
    assert may_pass(ends) is worth_it


def raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "noted"),
    [
        (RuntimeError("the device is gone"), "RuntimeError: the device is gone"),
        (LostProcess.of("lost-process", "another process has ended"), "another process has ended"),
        (RunError.of("full-disk", "the disk is full"), None),
    ],
)
def test_a_fault_that_may_pass_is_left_to_the_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, noted: str | None
) -> None:
    file = tmp_path / "error.json"
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(file))
    assert run(lambda: raising(error)) == 1
    assert file.exists() is (noted is not None)
    if noted is not None:
        assert json.loads(file.read_text())["message"]["message"].startswith(noted)


def test_without_a_launcher_nothing_is_left(tmp_path: Path) -> None:
    leave_note("a fault", {})
    leave_note("a fault", {"TORCHELASTIC_ERROR_FILE": str(tmp_path / "gone" / "error.json")})
    assert list(tmp_path.iterdir()) == []


def test_another_launchers_number_of_processes_is_not_changed() -> None:
    with pytest.raises(UsageError, match="has started 2 processes"):
        Launch(4).check(World(0, 2, 0, 2), "config.yaml")
    Launch(2).check(World(0, 4, 0, 2), "config.yaml")
    Launch(4).check(World(), "config.yaml")


def test_another_launchers_processes_are_its_own_to_start_again() -> None:
    with pytest.raises(UsageError, match="max-restarts"):
        Launch(None, 1).check(World(0, 2, 0, 2), "config.yaml")
    Launch(2, 1).check(World(0, 2, 0, 2, by_embtune=True), "config.yaml")


def test_processes_are_started_once() -> None:
    assert Launch(2).is_due(World())
    assert not Launch(2).is_due(World(0, 2, 0, 2))
    assert not Launch(1).is_due(World())
    assert Launch(None, 1).is_due(World())  # one process is started again, too
    assert not Launch(None, 1).is_due(World(by_embtune=True))
