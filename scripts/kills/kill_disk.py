"""A disk that can be full: a small file system where one may be mounted, else a limit to what a process may write."""

from __future__ import annotations

import os
import resource
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kill_command import Command

_SIZE = 64 << 20  # bytes


class Disk(ABC):
    """Where a run's directory is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def fill(self, command: Command, spare: int) -> None:
        """Leave `spare` bytes for what the command writes from now on."""

    @abstractmethod
    def clear(self) -> None:
        """Let there be room again."""


class SmallDisk(Disk):
    """A file system in memory, filled by a file."""

    kind = "a tmpfs that is full"

    def fill(self, command: Command, spare: int) -> None:
        """All but `spare` bytes go into one file, so that writing fails with ENOSPC."""
        room = os.statvfs(self.path)
        with self._ballast.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(1, room.f_bavail * room.f_frsize - spare))

    def clear(self) -> None:
        """Without that file."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


class LimitedFiles(Disk):
    """An ordinary folder; the process that writes may write no file beyond so many bytes (EFBIG)."""

    kind = "RLIMIT_FSIZE"

    def fill(self, command: Command, spare: int) -> None:
        """Of each file, for the process alone."""
        _, hard = resource.prlimit(command.rank(0), resource.RLIMIT_FSIZE)
        resource.prlimit(command.rank(0), resource.RLIMIT_FSIZE, (spare, hard))

    def clear(self) -> None:
        """The limit ended with the process."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A disk of its own at `folder`, as real as this machine allows."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        yield LimitedFiles(folder)
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
