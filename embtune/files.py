"""Writing so that a reader never sees half of it: beside, flushed, then renamed. A disk that refuses is an error."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from embtune.errors import RunError

_OS_ERROR = re.compile(r"(?P<reason>[^:()]*)\(os error (?P<number>\d+)\)")
_READ_WRITE = 0o666


@contextmanager
def directory_beside(target: Path) -> Iterator[Path]:
    """A new directory beside `target` to write in, which takes `target`'s place when all is written.

    An older `target` stays whole until then. On any error nothing of the new one is left. All files get the permissions
    that the user's umask gives.

    Raises:
        RunError: the disk is full, or not to be written to; or a file elsewhere that the block wanted cannot be had.
    """
    beside = target.with_name(f".{target.name}.writing")
    try:
        with writing(target):
            shutil.rmtree(beside, ignore_errors=True)  # what a killed run left
            beside.mkdir(parents=True)
            yield beside
            _complete(beside)
            _put_in_place(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


@contextmanager
def file_beside(target: Path) -> Iterator[Path]:
    """The path of a new file beside `target` to write, which takes `target`'s place when the block is done.

    An older `target` stays whole until then. On any error nothing of the new one is left.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    beside = target.with_name(f".{target.name}.writing")
    try:
        with writing(target):
            yield beside
            _flush(beside)
            beside.replace(target)
            _flush(target.parent)
    except BaseException:
        with suppress(OSError):  # where its name alone is what cannot be
            beside.unlink(missing_ok=True)
        raise


def write_beside(path: Path, text: str) -> None:
    """Write a small text file in one piece.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    with file_beside(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="")


@contextmanager
def appending(path: Path) -> Iterator[TextIO]:
    """A text file to append to, made where there is none.

    Raises:
        RunError: it cannot be written.
    """
    with writing(path):
        stream = path.open("a", encoding="utf-8")
    with stream:
        yield stream


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says of the disk inside into a RunError that names `path`.

    Libraries written in Rust (safetensors, tokenizers) say it in exceptions of their own.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise (_cannot_use(path, error) if _is_elsewhere(path, error) else _cannot_write(path, reason)) from error
    except RunError:
        raise
    except Exception as error:
        found = _OS_ERROR.search(str(error))
        if found is None:
            raise
        raise _cannot_write(path, found["reason"].strip()) from error


def _cannot_write(path: Path, reason: str) -> RunError:
    return RunError.of(
        "cannot-write",
        f"cannot write {path}: {reason}",
        "Free space or choose another place, then start the same command again: what was saved before is whole.",
    )


def _is_elsewhere(path: Path, error: OSError) -> bool:
    """Whether the error names a file that is neither beside `path` nor above it: one read while `path` is written."""
    if not isinstance(error.filename, str | os.PathLike):
        return False
    named, path = Path(error.filename).absolute(), path.absolute()
    return path.parent not in named.parents and named not in path.parents


def _cannot_use(path: Path, error: OSError) -> RunError:
    message = f"cannot use {error.filename}, which is needed to write {path}: {error.strerror}"
    return RunError.of("cannot-read", message, "Put it back, then start the same command again.")


def _complete(beside: Path) -> None:
    """Flush everything to the disk, readable by whom the user lets read."""
    mode = beside.stat().st_mode & _READ_WRITE  # a library may have made files for the owner alone
    for path in beside.rglob("*"):
        if path.is_file():
            path.chmod(mode)
        _flush(path)
    _flush(beside)


def _put_in_place(beside: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    try:
        beside.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise
    _flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
