"""One fuzzed input: files to be written, and the command that reads them."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_FILE = "command.txt"
STDIN_FILE = "stdin.bin"


@dataclass(frozen=True)
class Case:
    """A command line and the folder it runs in.

    words: the command line after `embtune`; paths are relative to the folder.
    files: relative path -> content. None takes the file away that `base` put there.
    links: relative path -> what a symbolic link there points at.
    base: a folder that is copied before the files are written, as (its name in the case, where it is).
    """

    words: tuple[str, ...]
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    base: tuple[str, Path] | None = None
    stdin: bytes = b""

    def write(self, folder: Path) -> None:
        """Lay the case out in an empty folder, with its command beside, so that a person can run it again."""
        if self.base:
            shutil.copytree(self.base[1], folder / self.base[0])
        for name, content in self.files.items():
            _put(folder / name, content)
        for name, target in self.links.items():
            _put(folder / name, None)
            (folder / name).symlink_to(target)
        (folder / STDIN_FILE).write_bytes(self.stdin)
        command = f"python -m embtune {shlex.join(self.words)} < {STDIN_FILE}\n"
        (folder / COMMAND_FILE).write_text(command, encoding="utf-8", errors="backslashreplace")


def _put(path: Path, content: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    elif path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
