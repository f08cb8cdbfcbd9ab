"""What all rows of a dataset say together: enough to tell whether a loss can learn from them.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.roles import is_negative
from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples
from embtune.data.found import PLACES, Found
from embtune.errors import Location

HEAD = 1000  # rows whose texts are kept, for what a few rows betray

_COUNTED_LABELS = (LabelKind.CLASS, LabelKind.BINARY)
Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class Summary:
    """The rows of a dataset, counted.

    first: where the first row stands.
    distinct: role -> how many different texts it has.
    twins: two roles that have one text in a row -> the rows in which they do: positive and negative (any of them),
        sentence_A and sentence_B.
    classes: class, or "0" and "1" -> the rows that have it, with the place of the first; empty where the label is
        neither.
    bounds: the lowest and the highest label, where labels are numbers and no class; else None.
    lengths: role -> mean length of its texts, in characters.
    head: role -> text of each of the first `HEAD` rows.
    """

    rows: int
    first: Location
    distinct: Mapping[str, int]
    twins: Mapping[tuple[str, str], Found] = field(default_factory=dict)
    classes: Mapping[str, Found] = field(default_factory=dict)
    bounds: tuple[float, float] | None = None
    lengths: Mapping[str, float] = field(default_factory=dict)
    head: tuple[Texts, ...] = ()


def summarise(examples: Examples) -> Summary:
    """The summary of a dataset in memory."""
    return Summary(
        rows=len(examples),
        first=examples.location(0),
        distinct={role: len(np.unique(ids)) for role, ids in examples.text_ids.items()},
        twins={roles: _found(examples, rows) for roles, rows in _twins(examples)},
        classes=_classes(examples),
        bounds=_bounds(examples),
        lengths=_mean_lengths(examples),
        head=tuple(
            {role: examples.text(row, role) for role in examples.roles} for row in range(min(HEAD, len(examples)))
        ),
    )


def _twins(examples: Examples) -> Iterator[tuple[tuple[str, str], NDArray[np.bool_]]]:
    """Two roles, and (N,) whether a row has one text in both."""
    ids = examples.text_ids
    negatives = [role for role in examples.roles if is_negative(role)]
    if "positive" in ids and negatives:
        yield ("positive", "negative"), np.any([ids[role] == ids["positive"] for role in negatives], axis=0)
    if "sentence_A" in ids:
        yield ("sentence_A", "sentence_B"), ids["sentence_A"] == ids["sentence_B"]


def _found(examples: Examples, chosen: NDArray[np.bool_]) -> Found:
    rows = np.flatnonzero(chosen)
    return Found(len(rows), tuple(examples.location(int(row)) for row in rows[:PLACES]))


def _classes(examples: Examples) -> dict[str, Found]:
    if examples.labels is None or examples.label_kind not in _COUNTED_LABELS:
        return {}
    names = examples.class_names or ("0", "1")
    numbers, first, counts = np.unique(examples.labels, return_index=True, return_counts=True)
    counted = zip(numbers.tolist(), first.tolist(), counts.tolist(), strict=True)
    return {names[number]: Found(count, (examples.location(row),)) for number, row, count in counted}


def _bounds(examples: Examples) -> tuple[float, float] | None:
    if examples.labels is None or examples.label_kind in _COUNTED_LABELS:
        return None
    finite = examples.labels[np.isfinite(examples.labels)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def _mean_lengths(examples: Examples) -> dict[str, float]:
    lengths = np.array([len(text) for text in examples.texts])
    return {role: float(lengths[ids[ids >= 0]].mean()) for role, ids in examples.text_ids.items() if (ids >= 0).any()}
