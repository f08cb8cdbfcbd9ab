"""Behaviours 1, 2, 17 and 19: exit codes, closed pipes, no traceback, ASCII terminals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from command import REPOSITORY, run_embtune

from embtune.cli.output import run
from embtune.errors import ConfigError, DataError, EmbtuneError, Problem, RunError, Stopped, UsageError

PROBLEM = Problem("code", "message")


def raising(error: BaseException) -> int:
    def command() -> None:
        raise error

    return run(command)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(PROBLEM), 2),
        (UsageError(PROBLEM), 2),
        (DataError(PROBLEM), 1),
        (RunError(PROBLEM), 1),
        (Stopped(15, "terminated"), 143),
        (Stopped(2, "interrupted"), 130),
        (KeyboardInterrupt(), 130),
        (SystemExit(3), 3),
        (SystemExit(None), 0),
    ],
)
def test_every_failure_has_its_exit_code(error: BaseException, code: int) -> None:
    assert raising(error) == code


@pytest.mark.parametrize("allocate", [lambda: bytearray(1 << 60), lambda: torch.empty(1 << 60)])
def test_memory_that_is_refused_is_no_fault_of_embtune(
    allocate: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(allocate) == 1
    text = capsys.readouterr().err
    assert text.startswith("error[out-of-memory]: there is no memory left")
    assert "goes on from its last checkpoint" in text


def test_problems_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    raising(EmbtuneError([PROBLEM, PROBLEM]))
    assert capsys.readouterr() == ("", "error[code]: message\nerror[code]: message\n")


def test_so_it_is_with_the_memory_of_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")) == 1
    assert capsys.readouterr().err.startswith("error[out-of-memory]: there is no memory left: CUDA out of memory")


def test_an_unforeseen_failure_is_one_message_and_a_traceback_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert raising(ZeroDivisionError("by zero")) == 1
    text = capsys.readouterr().err
    assert text.startswith("error[internal]: ZeroDivisionError: by zero (test_exit_codes.py:")
    assert "--traceback" in text

    def command() -> None:
        raise ZeroDivisionError("by zero")

    assert run(command, show_traceback=True) == 1
    assert capsys.readouterr().err.startswith("Traceback (most recent call last)")


@pytest.mark.parametrize("words", [["nope"], ["validate"], ["validate", "--nope", "x"], []])
def test_a_wrong_command_line_is_exit_2_on_stderr(words: list[str]) -> None:
    result = run_embtune(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Usage: embtune" in result.stderr


def test_traceback_is_shown_for_a_users_mistake_only_when_asked(tmp_path: Path) -> None:
    plain = run_embtune("validate", "missing.yaml", cwd=tmp_path)
    assert (plain.returncode, "Traceback" in plain.stderr) == (2, False)
    shown = run_embtune("validate", "missing.yaml", "--traceback", cwd=tmp_path)
    assert (shown.returncode, "Traceback" in shown.stderr) == (2, True)


def test_version() -> None:
    result = run_embtune("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("embtune ")


@pytest.mark.parametrize("words", [["--help"], ["validate", "--help"], ["schema", "-h"]])
def test_help_survives_an_ascii_terminal(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("LC_ALL", "C")
    result = run_embtune(*words)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()


@pytest.mark.parametrize("words", ["schema", "validate configs/quickstart.yaml --show-origins", "--help"])
def test_a_closed_pipe_ends_quietly(words: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "embtune", *words.split()],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # before the first byte is written
    told = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 141
    assert [
        line for line in told.splitlines() if not line.startswith(("configs/quickstart.yaml: valid", "not checked"))
    ] == []


def test_a_full_disk_is_a_failure_without_a_traceback() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "embtune", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=REPOSITORY,
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
