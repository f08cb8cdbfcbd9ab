"""A disk that refuses, told as a problem and not as a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embtune.errors import RunError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn an OSError inside into a RunError that names `path`."""
    try:
        yield
    except OSError as error:
        raise RunError.of("cannot-write", f"cannot write {path}: {error.strerror or error}") from error
