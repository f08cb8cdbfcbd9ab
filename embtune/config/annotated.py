"""A config as a person reads it: each key with its comment, keys that are off as comments to be switched on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from embtune.config.dumping import escaped
from embtune.config.scalars import write_yaml

WIDTH = 116  # of a line, comments included
_INDENT = "  "


@dataclass(frozen=True)
class Entry:
    """A key with its value and what is told of it.

    value: a plain value, which is written on one line; a `Section`; or `Items`.
    comment: what the key is. found: what was found out about its value, a remark each.
    is_off: the key is written as a comment.
    """

    key: str
    value: object
    comment: str = ""
    found: tuple[str, ...] = ()
    is_off: bool = False


@dataclass(frozen=True)
class Section:
    """Keys below a key. below: remarks that follow them."""

    entries: tuple[Entry, ...]
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Items:
    """A list of sections."""

    sections: tuple[Section, ...]


def annotated_yaml(entries: Sequence[Entry], head: Iterable[str] = ()) -> str:
    """The whole text of a config: `head` as comments, a blank line around each section.

    Args:
        entries: of the root.
        head: lines without their `#`, not wrapped; an empty one parts paragraphs.
    """
    lines = [f"# {line}".rstrip() for line in head]
    column = _column(entries, "")
    for before, entry in zip((None, *entries), entries, strict=False):
        parts = _is_large(entry) or (before is not None and _is_large(before))
        lines += ["", *_entry(entry, "", column)] if parts else _entry(entry, "", column)
    return "\n".join(lines).lstrip("\n") + "\n"


def _is_large(entry: Entry) -> bool:
    return isinstance(entry.value, Section | Items) or entry.is_off


def _column(entries: Sequence[Entry], indent: str) -> int:
    """Where the comments of a section stand that fit beside their keys."""
    plain = [entry for entry in entries if not _is_large(entry)]
    return max((len(_line(entry)) for entry in plain if _fits(entry, indent)), default=0) + 2


def _fits(entry: Entry, indent: str) -> bool:
    return not entry.found and len(indent + _line(entry)) + 2 + len(f"# {entry.comment}") <= WIDTH


def _section(section: Section, indent: str) -> Iterator[str]:
    column = _column(section.entries, indent)
    for entry in section.entries:
        yield from _entry(entry, indent, column)
    yield from _comment(section.below, indent)


def _entry(entry: Entry, indent: str, column: int) -> Iterator[str]:
    """Its lines. What was found stands between the comment and the key, set in."""
    line = _line(entry)
    beside = entry.comment and _fits(entry, indent)
    if not beside:
        yield from _comment((entry.comment,) if entry.comment else (), indent)
    yield from _comment(entry.found, indent, depth=1)
    if beside and not _is_large(entry) and len(indent) + column + len(f"# {entry.comment}") <= WIDTH:
        line = f"{line:<{column}}# {entry.comment}"
    elif beside:
        line = f"{line}  # {entry.comment}"
    yield indent + line
    yield from _below(entry, indent + _INDENT)


def _below(entry: Entry, indent: str) -> Iterator[str]:
    if isinstance(entry.value, Section):
        yield from _section(entry.value, indent)
    if isinstance(entry.value, Items):
        for each in entry.value.sections:
            yield from _item(each, indent)


def _item(section: Section, indent: str) -> Iterator[str]:
    """A section as an item of a list: its first key stands behind the dash."""
    lines = list(_section(section, indent + _INDENT))
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    lines[first] = f"{indent}- {lines[first].lstrip()}"
    yield from lines


def _line(entry: Entry) -> str:
    """The key, with its value where that is plain."""
    if isinstance(entry.value, Section | Items):
        return f"{entry.key}:"
    return f"{'# ' if entry.is_off else ''}{entry.key}: {write_yaml(escaped(entry.value), flow=True)}"


def _comment(remarks: Iterable[str], indent: str, depth: int = 0) -> Iterator[str]:
    """Remarks as comments, `depth` set in. What is not printable, a line break of Unicode say, would end a comment."""
    for remark in map(_printable, remarks):
        start = f"{indent}# {_INDENT * depth}"
        inside = remark[: len(remark) - len(remark.lstrip())]
        yield from textwrap.wrap(
            remark.strip(), WIDTH, initial_indent=start + inside, subsequent_indent=start + inside + _INDENT * depth,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
