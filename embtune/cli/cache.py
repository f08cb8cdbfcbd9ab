"""Where things that can be made again are kept between runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`embtune` in the user's cache: `$XDG_CACHE_HOME`, else `~/.cache`. It need not be there yet."""
    named = environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "embtune"
