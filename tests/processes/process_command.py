"""`embtune train --nproc N` as a process that is going on, and its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from command import REPOSITORY

ARGUMENTS = ("--progress", "plain")


def start(config: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command, with its output kept."""
    command = [sys.executable, "-m", "embtune", "train", str(config), *ARGUMENTS, *arguments]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Return as soon as the condition holds."""
    limit = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, f"it ended too early: {process.communicate()[1]}"
        assert time.monotonic() < limit, "it takes too long"
        time.sleep(0.01)


def logged_step(run: Path, step: int) -> bool:
    """Whether the metrics log has come to a step."""
    log = run / "metrics.jsonl"
    return log.exists() and f'"event": "step", "step": {step},' in log.read_text()


def pid_of(rank: int, launcher: subprocess.Popen[str]) -> int:
    """The process of that rank which a launcher has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            environ = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if parent == launcher.pid and f"RANK={rank}".encode() in environ:
            return int(folder.name)
    raise AssertionError(f"no process of rank {rank}")


def is_running(pid: int) -> bool:
    """Whether the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
