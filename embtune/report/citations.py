"""The catalogue's papers as BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from embtune.catalog.spec import Paper

_SMALL_WORDS = frozenset({"a", "an", "and", "for", "in", "of", "on", "the", "to", "with"})


def bibtex(papers: Iterable[Paper]) -> str:
    """One entry a paper, each once, in the order given."""
    entries: dict[str, str] = {}
    for paper in papers:
        entries.setdefault(_key(paper), _entry(paper))
    return "\n\n".join(entries.values())


def _entry(paper: Paper) -> str:
    fields = {
        "title": f"{{{paper.title}}}",  # twice in braces: its capitals stay
        "author": " and ".join(map(_author, _names(paper.authors))),
        "year": str(paper.year),
        "url": paper.link,
    }
    lines = [f"    {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@misc{{{_key(paper)},", *lines, "}"])


def _names(authors: str) -> list[str]:
    """`Wang, Reimers and Gurevych` as three names; `et al.` is `others`."""
    return [name for name in re.split(r", | and ", authors.replace(" et al.", " and others")) if name]


def _author(name: str) -> str:
    return f"{{{name}}}" if " " in name else name  # else BibTeX takes the first word for a first name


def _key(paper: Paper) -> str:
    """`kusupati2022matryoshka`: first author, year, first word of the title that says something."""
    words = re.findall(r"\w+", _ascii(paper.title))
    word = next((word for word in words if word not in _SMALL_WORDS and not word[0].isdigit()), "paper")
    return f"{''.join(re.findall(r'[a-z]+', _ascii(_names(paper.authors)[0])))}{paper.year}{word}"


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
