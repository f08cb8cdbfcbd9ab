"""Markdown as GitHub and the hub read it, with users' text in it that stays text."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#$!&])")
_SPACES = re.compile(r"\s+")


def escaped(text: str) -> str:
    """The text on one line, none of its characters read as Markdown or HTML."""
    return _SPACES.sub(" ", _SPECIAL.sub(r"\\\1", text)).strip()


def shortened(text: str, length: int) -> str:
    """At most `length` characters, the last an ellipsis where some were left out."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def code(text: str) -> str:
    """The text as code within a line, whatever ticks are in it; in a table, bars in it end no cell."""
    line = _SPACES.sub(" ", text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    padding = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def code_block(language: str, text: str) -> str:
    """The text as a block, in a fence that is longer than any in it."""
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """A table of cells that are Markdown already; the last `numbers` columns stand to the right. Empty without rows."""
    if not rows:
        return ""
    rule = ["---"] * (len(header) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))
