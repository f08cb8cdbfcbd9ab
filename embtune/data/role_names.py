"""Roles by what columns are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from embtune.catalog.roles import LIST_ROLE, NEGATIVE_LIST, TEXT_LIST, is_negative, is_numbered_text
from embtune.data.columns import Cell, Column, folded
from embtune.data.layout import Assignment

# folded names, the likeliest first
_NAMES: Mapping[str, tuple[str, ...]] = {
    "anchor": ("anchor", "query", "question"),
    "positive": ("positive", "pos", "document", "passage", "doc", "answer", "response"),
    "negative": ("negative", "neg", "hardnegative"),
    LIST_ROLE: ("negatives", "hardnegatives", "negs", "negative", "neg"),
    "sentence_A": ("sentencea", "sentence1", "premise", "texta", "question1"),
    "sentence_B": ("sentenceb", "sentence2", "hypothesis", "textb", "question2"),
    "damaged": ("damaged", "noisy"),
    "original": ("original",),
    "text": ("text", "sentence"),
}
_LABEL_NAMES = (
    "label", "score", "scores", "margin", "embedding", "labels", "margins", "embeddings",
    "similarity", "similarityscore", "goldlabel", "class",
)  # fmt: skip
_NUMBERED = re.compile(r"(negative|neg|hardnegative|text|passage)([1-9][0-9]{0,5})")
_WORD = re.compile(r"[a-z]+")
_NEGATIVE_WORDS = frozenset({"neg", "negs", "negative", "negatives"})
_OF_NEGATIVES = frozenset({"id", "ids", "score", "scores", "rank", "ranks", "source", "url", "urls"})  # not their texts
_FAMILIES = (
    ("anchor", "positive"),
    ("sentence_A", "sentence_B"),
    ("damaged", "original"),
    (TEXT_LIST,),
    ("text",),
)
_BY_NAME = "by its name"


def assignments_by_name(columns: Mapping[str, Column]) -> list[Assignment]:
    """Every complete set of roles that column names give, the most telling first; empty when they give none.

    A label found by name goes with each, the likeliest first. Behind them follow the readings that leave out a label
    or negatives, for a loss that takes the texts without.
    """
    roles = _roles_by_name(columns)
    labels: Sequence[Column | None] = labels_by_name(columns, taken=frozenset(roles.values())) or (None,)
    complete = [found for family in _FAMILIES if (found := _family(family, roles))]
    full = [_assign(found, label) for label in labels for found in complete]
    return full + [smaller for found in complete for smaller in _smaller(found, labels[0])]


def labels_by_name(columns: Mapping[str, Column], taken: frozenset[str] = frozenset()) -> list[Column]:
    """The columns beside `taken` that are called as labels are, the likeliest name first."""
    by_name = {folded(name): column for name, column in columns.items() if name not in taken and column.cell}
    return [by_name[name] for name in _LABEL_NAMES if name in by_name]


def _roles_by_name(columns: Mapping[str, Column]) -> dict[str, str]:
    found: dict[str, str] = {}
    by_name = {folded(name): column for name, column in reversed(list(columns.items()))}
    for role, names in _NAMES.items():
        column = next((by_name[name] for name in names if name in by_name and _can_be(role, by_name[name])), None)
        if column is not None:
            found[role] = column.name
    for name, column in columns.items():
        numbered = _NUMBERED.fullmatch(folded(name))
        if numbered and _can_be("text", column):
            found.setdefault(_numbered_role(numbered[1], int(numbered[2])), name)
    if not any(map(is_negative, found)):
        found |= _negatives_by_word(columns, taken=frozenset(found.values()))
    return found


def _negatives_by_word(columns: Mapping[str, Column], taken: frozenset[str]) -> dict[str, str]:
    """Columns with a word for negatives in their name: `answer_neg`, `bm25_negatives`."""
    named = [column for name, column in columns.items() if name not in taken and _says_negative(name)]
    if len(named) == 1 and named[0].cell is Cell.TEXTS:
        return {LIST_ROLE: named[0].name}
    texts = [column.name for column in named if column.cell is Cell.TEXT]
    return {f"negative_{number}": name for number, name in enumerate(texts, start=1)}


def _says_negative(name: str) -> bool:
    words = set(_WORD.findall(name.casefold()))
    return bool(words & _NEGATIVE_WORDS) and not words & _OF_NEGATIVES


def _can_be(role: str, column: Column) -> bool:
    is_list = column.cell in (Cell.TEXTS, Cell.NUMBERS, Cell.VECTORS)
    return column.cell is Cell.TEXTS if role == LIST_ROLE else not is_list


def _numbered_role(stem: str, number: int) -> str:
    if stem == "passage":
        return "positive" if number == 1 else f"negative_{number - 1}"
    return f"text_{number}" if stem == "text" else f"negative_{number}"


def _family(family: Sequence[str], roles: Mapping[str, str]) -> dict[str, str]:
    """The columns of a family of roles, empty when one is missing."""
    if family == (TEXT_LIST,):
        return {role: column for role, column in roles.items() if is_numbered_text(role)}
    known = dict(roles)
    if family == ("anchor", "positive") and "text" in roles:
        known.setdefault("positive", roles["text"])  # a query beside a column `text`: its document
    if not all(role in known for role in family):
        return {}
    found = {role: known[role] for role in family}
    if "positive" in found:
        found |= _negatives(roles)
    return found


def _negatives(roles: Mapping[str, str]) -> dict[str, str]:
    if LIST_ROLE in roles:
        return {LIST_ROLE: roles[LIST_ROLE]}
    return {role: column for role, column in roles.items() if is_negative(role)}


def _assign(columns: Mapping[str, str], label: Column | None, notes: tuple[str, ...] = ()) -> Assignment:
    return Assignment(columns, dict.fromkeys([*columns, "label"], _BY_NAME), label, notes)


def _smaller(columns: Mapping[str, str], label: Column | None) -> list[Assignment]:
    """The readings that leave something out. A pair keeps its label, which alone says whether it is alike."""
    fewer = []
    if label is not None and len(columns) != 2:
        fewer.append(_assign(columns, None, (f"the label in {label.name!r} is left out",)))
    negatives = [role for role in columns if is_negative(role)]
    if negatives:
        pair = {role: column for role, column in columns.items() if role not in negatives}
        fewer.append(_assign(pair, None, (f"the negatives ({NEGATIVE_LIST}) are left out",)))
    return fewer
