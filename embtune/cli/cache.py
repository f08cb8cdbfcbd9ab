"""Where things that can be made again are kept between runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`$EMBTUNE_CACHE`, else `embtune` in the user's cache: `$XDG_CACHE_HOME`, else `~/.cache`. It may not be there."""
    own = environ.get("EMBTUNE_CACHE")
    if own:
        return Path(own)
    named = environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "embtune"
