"""What the command made of a case, and what is wrong with that."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz_case import STDIN_FILE, Case

from embtune.cli.app import build_app
from embtune.cli.output import run

HUNG = "hung"
IDLE = 10  # times as long as it may compute, a command may wait: for whatever else the machine does, or for ever
_ALLOWED_CODES = (0, 1, 2)
_ERROR = re.compile(r"^(?P<place>.*?)error\[(?P<code>[a-z0-9-]+)\]: (?P<message>.*)$")
_USAGE = re.compile(r"^(Usage: |Error: )", re.MULTILINE)
# what is of no file: the command line, a sum over rows, or the name of a thing that is nowhere
_NO_PLACE = frozenset({
    "bad-rows", "too-many-bad-rows", "wrong-option", "no-config", "no-model", "no-package", "missing-file",
    "missing-folder", "unreadable-file", "unknown-prompt", "non-finite", "non-finite-embedding",
    "unusable-directory",
})  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of one command. code: None where it was ended from outside; `how` says by what."""

    code: int | None
    stdout: str
    stderr: str
    how: str = ""

    @property
    def codes(self) -> list[str]:
        """The code of each error that was told."""
        return [found["code"] for line in self.stderr.splitlines() if (found := _ERROR.match(line))]


class Overdue(BaseException):
    """The deadline is over. No `except Exception` of the code under test stops it."""


def run_inside(case: Case, folder: Path, seconds: float) -> Outcome:
    """Run the case's command in this process, which goes to `folder` for as long.

    Standard output refuses what UTF-8 cannot write and standard error escapes it, as those of a process do.

    Args:
        seconds: of computing, after which it is taken to be stuck.
    """
    stdout, stderr = _stream("strict"), _stream("backslashreplace")
    words = list(case.words)
    try:
        with _streams(folder / STDIN_FILE, stdout, stderr), contextlib.chdir(folder), _deadline(seconds):
            code = run(lambda: build_app(words)(words, prog_name="embtune"))
    except Overdue:
        return Outcome(None, _written(stdout), _written(stderr), HUNG)
    return Outcome(code, _written(stdout), _written(stderr))


def run_process(case: Case, folder: Path, seconds: float) -> Outcome:
    """Run the case's command as users do, in a process of its own."""
    command, limit = [sys.executable, "-m", "embtune", *case.words], IDLE * seconds
    try:
        done = subprocess.run(command, cwd=folder, input=case.stdin, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(None, "", "", HUNG)
    how = f"signal {-done.returncode}" if done.returncode < 0 else ""
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode(errors="backslashreplace"), how)


def faults_of(outcome: Outcome) -> list[str]:
    """What breaks the promises of the command line: none for a success, or for an error as errors should be."""
    if outcome.how:
        return [outcome.how]
    found = []
    if outcome.code not in _ALLOWED_CODES:
        found.append(f"exit code {outcome.code}")
    if "Traceback (most recent call last)" in outcome.stderr:
        found.append("a traceback")
    if outcome.code and not outcome.stdout.strip():
        found += _message_faults(outcome.stderr)
    return found


def _message_faults(stderr: str) -> list[str]:
    """An error without output has to say where it is and what to do."""
    errors = [error for line in stderr.splitlines() if (error := _ERROR.match(line))]
    if not errors:
        return [] if _USAGE.search(stderr) else ["no error is told"]
    faults = ["an internal error"] if any(error["code"] == "internal" for error in errors) else []
    nowhere = [error["code"] for error in errors if not error["place"] and error["code"] not in _NO_PLACE]
    return [*faults, *(f"no place: {code}" for code in nowhere)]


@contextlib.contextmanager
def _streams(stdin: Path, stdout: io.TextIOWrapper, stderr: io.TextIOWrapper) -> Iterator[None]:
    """Standard streams for as long: a file, and two buffers."""
    before = sys.stdin
    with stdin.open("rb") as raw, contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        sys.stdin = io.TextIOWrapper(raw, "utf-8")
        try:
            yield
        finally:
            sys.stdin = before


def _stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors, write_through=True)


def _written(stream: io.TextIOWrapper) -> str:
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """So many seconds of computing."""

    def ring(signum: int, frame: object) -> None:
        raise Overdue

    clocks = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    before = {signum: signal.signal(signum, ring) for signum in clocks}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, IDLE * seconds)
    try:
        yield
    finally:
        for signum, clock in clocks.items():
            signal.setitimer(clock, 0)
            signal.signal(signum, before[signum])
