"""Example rows of any format of the catalogue, as a user would write them: one JSON object a line.

Everything is made from the format alone, so that a loss that joins the catalogue has its rows without an edit here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embtune.catalog.formats import ANY_ROLES
from embtune.catalog.roles import LABEL_ROLE, NEGATIVE_LIST, TEXT_LIST, is_negative
from embtune.catalog.spec import Format, LabelKind

WIDTH = 16  # of the models, and so of a teacher's vectors
ROWS = 24
CLASSES = 3
WORDS = ("cat", "dog", "fox", "owl", "sat", "ran", "slept", "sang", "on", "by", "under", "mat", "log", "tree", "river")
ONE_EACH = "a vector for each text"
ONE_FOR_ALL = "a vector for all texts"


@dataclass(frozen=True)
class Form:
    """One way to write rows of a format: its columns, each named as its role, and what vectors its label holds."""

    roles: tuple[str, ...]
    label: LabelKind
    vectors: str = ""

    def __str__(self) -> str:
        """`anchor, positive + label (class)`."""
        label = self.vectors or self.label.value
        return ", ".join(self.roles) + ("" if self.label is LabelKind.NONE else f" + label ({label})")

    @property
    def columns(self) -> dict[str, str]:
        """Role -> column, for `data.train[].columns`."""
        labels = () if self.label is LabelKind.NONE else (LABEL_ROLE,)
        return {role: role for role in (*self.roles, *labels)}


def forms_of(format: Format) -> Iterator[Form]:
    """Every way to write the format: negatives as columns and as ragged lists, vectors for a row or for each text."""
    roles = tuple(dict.fromkeys(format.roles))  # one column may be embedded twice
    if roles == (ANY_ROLES,):
        roles = ("anchor", "positive")
    if roles == (TEXT_LIST,):
        texts = ("text_1", "text_2")
        if format.label is LabelKind.VECTOR:
            yield from (Form(texts, format.label, vectors) for vectors in (ONE_FOR_ALL, ONE_EACH))
        else:
            yield Form(texts, format.label)
    elif NEGATIVE_LIST in roles:
        kept = tuple(role for role in roles if role != NEGATIVE_LIST)
        yield Form((*kept, "negative_1", "negative_2"), format.label)
        yield Form((*kept, "negatives"), format.label)
    else:
        yield Form(roles, format.label)


def write_rows(path: Path, form: Form) -> None:
    """`ROWS` rows, none of whose texts is that of another row, the same for the same form."""
    rng = np.random.default_rng(len(form.roles))
    with path.open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            file.write(json.dumps(_row(form, number, rng)) + "\n")


def _row(form: Form, number: int, rng: np.random.Generator) -> dict[str, object]:
    negatives = sum(map(is_negative, form.roles))
    if "negatives" in form.roles:
        negatives = 1 + number % 3
    row: dict[str, object] = {role: _text(role, number, rng) for role in form.roles}
    if "negatives" in row:
        row["negatives"] = [_text(f"negative {k}", number, rng) for k in range(negatives)]
    if form.label is not LabelKind.NONE:
        row[LABEL_ROLE] = _label(form, number, negatives, rng)
    return row


def _text(role: str, number: int, rng: np.random.Generator) -> str:
    return f"{number} {role} " + " ".join(rng.choice(WORDS, size=rng.integers(2, 12)))


def _label(form: Form, number: int, negatives: int, rng: np.random.Generator) -> object:
    match form.label:
        case LabelKind.CLASS:
            return f"class {number % CLASSES}"
        case LabelKind.BINARY:
            return number % 2
        case LabelKind.SCORE:
            return float(rng.random())
        case LabelKind.VECTOR:
            shape = (len(form.roles), WIDTH) if form.vectors == ONE_EACH else (WIDTH,)
            vectors: object = rng.normal(size=shape).tolist()
            return vectors
        case LabelKind.MARGIN:
            margins = rng.normal(size=negatives).tolist()
            return margins[0] if "negative" in form.roles else margins
        case LabelKind.SCORES:
            scores: object = rng.normal(size=1 + negatives).tolist()
            return scores
    raise AssertionError(f"{form.label} has no example")
