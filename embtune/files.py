"""Writing so that a reader never sees half of it: beside, flushed, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embtune.errors import RunError


@contextmanager
def directory_beside(target: Path) -> Iterator[Path]:
    """A new directory beside `target` to write in, which takes `target`'s place when all is written.

    An older `target` stays whole until then. On any error nothing of the new one is left.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    beside = target.with_name(f".{target.name}.writing")
    try:
        shutil.rmtree(beside, ignore_errors=True)  # what a killed run left
        beside.mkdir(parents=True)
        yield beside
        _flush_all(beside)
        _put_in_place(beside, target)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise _cannot_write(target, error) from error
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def write_beside(path: Path, text: str) -> None:
    """Write a small text file in one piece.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    beside = path.with_name(f".{path.name}.writing")
    try:
        with beside.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        _flush(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def _put_in_place(beside: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    beside.rename(target)
    _flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _flush_all(directory: Path) -> None:
    for path in directory.rglob("*"):
        _flush(path)
    _flush(directory)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> RunError:
    return RunError.of(
        "cannot-write",
        f"cannot write {path}: {error.strerror or error}",
        "Free space or choose another output_dir, then start the same command again: what was saved before is whole.",
    )
