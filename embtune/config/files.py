"""Reading config files: their bytes, their encoding, and the chain of `extends`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from embtune.catalog import nearest
from embtune.config.alternatives import give_way
from embtune.config.overrides import as_mapping
from embtune.config.parsing import Source
from embtune.config.tree import Entry, Node, Place, merge
from embtune.errors import Problem

STDIN = "-"
STDIN_NAME = "<stdin>"
LIMIT_BYTES = 1 << 20
_READABLE = "check its name and its permissions"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Unreadable(Exception):
    """A file that cannot be read as text: the problem, not yet located where another file asked for it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass
class FileReader:
    """Reads a config and what it extends; collects the problems of all files, and the variables that they use."""

    environ: Mapping[str, str]
    stdin: TextIO | None = None
    problems: list[Problem] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    complete: bool = True  # False when a file could not be read: then a missing key proves nothing

    def read(self, path: str) -> tuple[Node | None, str]:
        """The merged tree of a file and its bases, and the file's own text.

        Raises:
            Unreadable: the file itself is not there or is no text.
        """
        text = self._text(path)
        folder = Path.cwd() if path == STDIN else Path(path).absolute().parent
        name = STDIN_NAME if path == STDIN else path
        return self._tree(name, text, folder, (os.path.realpath(path),)), text

    def _text(self, path: str) -> str:
        if path != STDIN:
            return decode(_bytes(path), path)
        if self.stdin is not None:
            return self.stdin.read()
        return decode(_bounded(sys.stdin.buffer, STDIN_NAME), STDIN_NAME)

    def _tree(self, name: str, text: str, folder: Path, chain: tuple[str, ...]) -> Node | None:
        source = Source(name, text, folder, self.environ)
        root = source.read()
        if root is None and not source.problems:
            source.problems.append(_empty(name))
        elif root is not None and root.known and not isinstance(root.value, Mapping):
            source.problems.append(root.place.problem("wrong-type", "a config is made of 'key: value' lines", None))
            root = None
        self.problems += source.problems
        self.variables |= source.variables
        self.complete &= root is not None
        return None if root is None else self._extended(_loss_as_mapping(root), chain)

    def _extended(self, root: Node, chain: tuple[str, ...]) -> Node | None:
        wanted = root.child("extends")
        if wanted is None:
            return root
        root = root.without(("extends",))
        base = self._base(wanted, chain) if wanted.known else None
        self.complete &= base is not None
        return merge(give_way(base, root), root) if base is not None else root

    def _base(self, wanted: Node, chain: tuple[str, ...]) -> Node | None:
        place = wanted.place
        if not isinstance(wanted.value, str) or not wanted.value:
            self.problems.append(place.problem("wrong-type", "extends: expected the path of a YAML file", None))
            return None
        path = _relative(wanted.folder / wanted.value, place.path, wanted.value)
        if os.path.realpath(path) in chain:
            self.problems.append(place.problem("extends-cycle", f"{wanted.value} extends this file in turn", None))
            return None
        try:
            text = decode(_bytes(path, only_files=True), path)
        except Unreadable as unreadable:
            located = unreadable.problem
            self.problems.append(
                located
                if located.location and located.location.line
                else place.problem(located.code, f"extends: {located.message}", located.hint)
            )
            return None
        return self._tree(path, text, Path(path).absolute().parent, (*chain, os.path.realpath(path)))


def _relative(absolute: Path, writer: str, written: str) -> str:
    """The base's path as a person would write it: beside the file that extends it."""
    return str(absolute) if writer == STDIN_NAME else str(Path(writer).parent / written)


def _loss_as_mapping(root: Node) -> Node:
    loss = root.child("loss")
    return root if loss is None else root.with_child("loss", Entry(root.entries["loss"].key_place, as_mapping(loss)))


def _empty(name: str) -> Problem:
    hint = "the least is output_dir, model, data and loss; 'embtune init DATA' writes a config"
    return Place(name).problem("empty-config", "the config is empty", hint)


def _bytes(path: str, only_files: bool = False) -> bytes:
    """The content of a config.

    Args:
        only_files: refuse a pipe or a device, which may never end: a file cannot be trusted to name one, a person can.
    """
    try:
        if only_files and not _is_file_or_folder(path):
            raise Unreadable(Place(path).problem("not-a-file", "this is a pipe or a device", "name a YAML file"))
        with Path(path).open("rb") as stream:
            return _bounded(stream, path)
    except FileNotFoundError:
        raise Unreadable(_missing(path)) from None
    except IsADirectoryError:
        raise Unreadable(Place(path).problem("not-a-file", "this is a folder", "name a YAML file")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unreadable(Place(path).problem("unreadable-file", f"cannot be read: {reason}", _READABLE)) from None


def _is_file_or_folder(path: str) -> bool:
    mode = os.stat(path).st_mode  # raises where there is nothing
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _bounded(stream: BinaryIO, name: str) -> bytes:
    """All that is in a stream, which may have no end."""
    data = stream.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        message = f"larger than {LIMIT_BYTES >> 20} MiB, which no config is"
        raise Unreadable(Place(name).problem("too-large", message, "name a YAML file"))
    return data


def _missing(path: str) -> Problem:
    folder = Path(path).absolute().parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    guess = nearest(Path(path).name, names)
    hint = f"did you mean {Path(path).parent / guess}?" if guess else None
    return Place(path).problem("no-such-file", f"there is no file {Path(path).absolute()}", hint)


def decode(data: bytes, path: str) -> str:
    """UTF-8 bytes, with or without a byte order mark, as text.

    Raises:
        Unreadable: at the first byte that is no UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        what = "UTF-16" if data.startswith(_UTF16) else "not UTF-8"
        message = f"the file is {what}: byte 0x{data[error.start]:02x} at position {error.start}"
        raise Unreadable(Place(path, line, column).problem("wrong-encoding", message, "save it as UTF-8")) from None
