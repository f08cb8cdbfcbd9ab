"""Rows written in parts, so that long work that was ended goes on behind its last part, and no reader sees half of it.

Parts lie in a hidden folder beside the output. When all are there, that folder becomes the output, or one file is made
of them. A record in it says which work they belong to, and of which rows each of them is.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from embtune.data.joining import join_parts
from embtune.data.readers.formats import FileFormat, file_kind
from embtune.data.writers.sink import Values
from embtune.data.writing import check_output, row_writer
from embtune.errors import Location, Problem, UsageError
from embtune.files import write_beside, writing

_RECORD, _LOCK = ".job.json", ".lock"  # hidden, so that whoever reads the folder as data passes them over
Identity = Mapping[str, object]


class Parts:
    """The parts of one output. `parts_of` opens them.

    Args:
        out: the file or folder that they become.
        identity: everything that decides what is written, as JSON has it.
        digests: of each part that is there, in order: that of the rows it was made from.
    """

    def __init__(self, out: Path, identity: Identity, digests: Iterable[str]) -> None:
        self.out = out
        self.digests = list(digests)
        self._identity = identity

    def write(self, rows: Iterable[Values], digest: str) -> None:
        """Write the next part in one piece.

        Raises:
            UsageError: the format has no place for what a row holds. RunError: the disk is full.
        """
        with row_writer(_part(self.out, len(self.digests))) as sink:
            for row in rows:
                sink.write(row)
        self.digests.append(digest)
        _write_record(_folder(self.out), self._identity, self.digests)

    def finish(self) -> None:
        """Make the output of the parts; there is at least one.

        Raises:
            RunError: the disk is full.
        """
        folder = _folder(self.out)
        if is_file_name(self.out):
            join_parts([_part(self.out, number) for number in range(len(self.digests))], self.out)
            shutil.rmtree(folder)
            return
        with writing(self.out):
            (folder / _LOCK).unlink()
            folder.rename(self.out)


@contextmanager
def parts_of(out: Path, identity: Identity) -> Iterator[Parts | None]:
    """The parts of an output, those that earlier work left included; None where that work was finished.

    Raises:
        UsageError: the output is there and of other work, or cannot be written; other work left parts; or another
            process is at it.
        RunError: the disk is full, or not to be written to.
    """
    check_parts_output(out)
    if not is_file_name(out) and _record(out).get("identity") == identity:
        yield None
        return
    folder = _folder(out)
    if out.exists() and not (folder / _RECORD).exists() and (out.is_file() or any(out.iterdir())):
        _refuse("already-there", f"{out} is there already", "remove it, or choose another name", out)
    with writing(folder):
        folder.mkdir(exist_ok=True)
    with _alone_in(folder):
        yield Parts(out, identity, _left(out, identity))


def check_parts_output(out: Path) -> None:
    """Refuse an output that cannot be written by its name or place.

    Raises:
        UsageError: it has an ending that says no format, or its folder is missing.
    """
    if is_file_name(out):
        return check_output(out)
    if out.suffix and not out.is_dir():
        hint = "embtune writes jsonl, csv, tsv and parquet; a name without an ending is a folder of parquet files"
        _refuse("unknown-extension", f"{out}: the name does not say which format this is", hint)
    if not out.absolute().parent.is_dir():
        _refuse("missing-folder", f"no such folder: {out.parent}", "make it first")


def is_file_name(out: Path) -> bool:
    """Whether an output is one file, by its name; a folder of parquet files otherwise."""
    return file_kind(out.name) is not None and not out.is_dir()


def _left(out: Path, identity: Identity) -> list[str]:
    """The digests of the parts that earlier work on the same left behind.

    Raises:
        UsageError: they are of other work.
    """
    folder = _folder(out)
    record = _record(folder)
    before = record.get("identity")
    if isinstance(before, dict) and before != identity:
        changed = [key for key in {**before, **identity} if before.get(key) != identity.get(key)]
        message = f"{folder} holds parts that were made otherwise; changed since: {', '.join(changed)}"
        _refuse("other-job", message, "remove that folder, or write to another place", folder)
    if not isinstance(before, dict):
        _write_record(folder, identity, [])
    digests = record.get("parts")
    known = digests if isinstance(digests, list) else []
    there = next((number for number in range(len(known)) if not _part(out, number).is_file()), len(known))
    return [str(digest) for digest in known[:there]]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out; the kernel's lock, so that a process that was killed leaves none."""
    with writing(folder):
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _refuse("in-use", f"another process is writing in {folder}", "wait for it, or stop it")
    except OSError:
        return  # the file system knows no locks


def _record(folder: Path) -> dict[str, object]:
    """The record in a folder; an empty one where there is none that can be read."""
    try:
        found = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_record(folder: Path, identity: Identity, digests: list[str]) -> None:
    write_beside(folder / _RECORD, json.dumps({"identity": identity, "parts": digests}, indent=2))


def _folder(out: Path) -> Path:
    return out.with_name(f".{out.name}.parts")


def _part(out: Path, number: int) -> Path:
    kind = file_kind(out.name) if is_file_name(out) else None
    return _folder(out) / f"part-{number:05d}.{(kind.format if kind else FileFormat.PARQUET).value}"


def _refuse(code: str, message: str, hint: str, place: Path | None = None) -> NoReturn:
    raise UsageError(Problem(code, message, Location(str(place)) if place else None, hint))
