"""A tool's run in a process of its own: how long it took and how much memory it and its children held."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

_PAUSE = 0.1  # seconds between two looks at the memory
_LIMIT = 3 * 3600.0  # seconds after which a run is taken for stuck


@dataclass(frozen=True)
class Ran:
    """Wall seconds from start to end, bytes at the peak, the exit code and what was printed last."""

    seconds: float
    peak_bytes: int
    code: int
    tail: str

    def checked(self) -> Ran:
        """Itself.

        Raises:
            RuntimeError: the process failed; the message is the end of what it printed.
        """
        if self.code != 0:
            raise RuntimeError(f"a process ended with code {self.code}:\n{self.tail}")
        return self


def run(command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path) -> Ran:
    """Run to the end; all it prints goes to `log`.

    The peak is the largest sum over the process and its children that was seen every 100 ms, or what the system says of
    the process itself where that is more (or psutil is not installed). After three hours it is stopped.
    """
    with log.open("w", encoding="utf-8") as file:
        started = time.perf_counter()
        child = subprocess.Popen(command, env=dict(environment), cwd=cwd, stdout=file, stderr=subprocess.STDOUT)
        seen, code, own = _watched(child)
        seconds = time.perf_counter() - started
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    return Ran(seconds, max(seen, own), code, tail)


def _watched(child: subprocess.Popen[bytes]) -> tuple[int, int, int]:
    """(bytes seen of the whole tree, exit code, bytes of the process by the system's own account)."""
    seen, ends = 0, time.monotonic() + _LIMIT
    while True:
        if time.monotonic() > ends:
            child.kill()
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return seen, child.returncode, usage.ru_maxrss * 1024
        seen = max(seen, tree_bytes(child.pid))
        time.sleep(_PAUSE)


def tree_bytes(pid: int) -> int:
    """Resident bytes of a process and all below it; 0 without psutil, or once it is gone."""
    try:
        psutil: Any = import_module("psutil")
    except ImportError:
        return 0
    try:
        process = psutil.Process(pid)
        return sum(_resident(one, psutil.Error) for one in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def _resident(process: Any, gone: type[Exception]) -> int:  # noqa: ANN401 - psutil ships no types
    try:
        return int(process.memory_info().rss)
    except gone:
        return 0
