"""What a column of texts can be called, and what it is then taken for."""

from __future__ import annotations

import re
from collections.abc import Iterable

LABEL_ROLE = "label"
LABEL_ALIASES = ("label", "score", "scores", "margin", "embedding")
LIST_ROLE = "negatives"  # one list-valued column, expanded to negative_1..n by the reader
NEGATIVE_LIST = "negative_1..n"
TEXT_LIST = "text_1..n"

ALIASES = {
    "query": "anchor",
    "document": "positive",
    "passage": "positive",
    "sentence1": "sentence_A",
    "sentence2": "sentence_B",
    "sentence_1": "sentence_A",
    "sentence_2": "sentence_B",
    "sentence_a": "sentence_A",
    "sentence_b": "sentence_B",
    "noisy": "damaged",
}
TEXT_ROLES = (
    "anchor", "positive", "negative", LIST_ROLE, "sentence_A", "sentence_B", "text", "damaged", "original",
)  # fmt: skip
_NUMBERED = re.compile(r"(negative|text|passage)_([1-9][0-9]{0,5})")


def canonical_role(name: str) -> str | None:
    """The role that `name` stands for (`query` is `anchor`, `passage_2` is `negative_1`), or None when it is no role.

    The label and its aliases give `label`. Spelling is exact; callers who want to forgive it use `nearest`.
    """
    if name in LABEL_ALIASES:
        return LABEL_ROLE
    if name in TEXT_ROLES:
        return name
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None:
        return ALIASES.get(name)
    stem, number = numbered[1], int(numbered[2])
    if stem != "passage":
        return name
    return "positive" if number == 1 else f"negative_{number - 1}"


def role_words() -> tuple[str, ...]:
    """Every accepted name of a role without a number, canonical ones first; for messages and "did you mean"."""
    return (*TEXT_ROLES, *LABEL_ALIASES, *ALIASES)


def is_negative(role: str) -> bool:
    """Whether `role` is a negative: `negative`, `negative_3` or the list column `negatives`."""
    return role.startswith("negative")


def is_numbered_text(role: str) -> bool:
    """Whether `role` is one of `text_1`, `text_2` and so on."""
    return role.startswith("text_")


def in_role_order(roles: Iterable[str]) -> tuple[str, ...]:
    """`roles` in the order in which formats name them: anchor, positive, negatives by number, and so on."""
    return tuple(sorted(roles, key=_rank))


def _rank(role: str) -> tuple[int, int]:
    stem, _, number = role.partition("_")
    if number.isdigit():
        return (TEXT_ROLES.index(stem), int(number))
    return (TEXT_ROLES.index(role), 0)
