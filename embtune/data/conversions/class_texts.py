"""Texts with a class: two of one class are a pair, and one of another class beside them makes a triplet.

The texts of a class stand in a circle, in random order; the partner of each is so many places further on. So every text
is as often a positive as it is an anchor, and no pair comes twice. A text of several classes is never a negative.

Legend: C classes, T texts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from embtune.catalog.spec import LabelKind
from embtune.data.conversions.draws import Draws, spread
from embtune.data.conversions.step import Step
from embtune.data.examples import Examples
from embtune.data.row import Row, Rows, stop


def pairs(rows: Rows, step: Step) -> Rows:
    """For each text, `positives` others of its class.

    Raises:
        DataError: all texts are of one class, or no class has two texts.
    """
    data, classes = _classes(rows, step)
    texts = data.texts
    for row, anchor, positive in _pairs(data, classes, step):
        yield Row({"anchor": texts[anchor], "positive": texts[positive]}, data.location(row))


def triplets(rows: Rows, step: Step) -> Rows:
    """For each such pair, `negatives` rows with texts of other classes, drawn from all of them alike.

    Raises:
        DataError: as `pairs`.
    """
    data, classes = _classes(rows, step)
    texts = data.texts
    pool = _Pool.of(classes, data, step.draws)
    for row, anchor, positive in _pairs(data, classes, step):
        start = step.draws.number("negative", texts[anchor], texts[positive])
        negatives = pool.outside(classes.of_text[anchor], start, step.negatives)
        if not negatives:
            step.tally.leave_out("pair", "had no text of another class")
        for negative in negatives:
            values: dict[str, object] = {"anchor": texts[anchor], "positive": texts[positive]}
            yield Row({**values, "negative": texts[negative]}, data.location(row))


@dataclass(frozen=True)
class _Classes:
    """Who is of which class. members: (C) lists of text ids, each once. of_text: (T) the classes of each text."""

    members: list[list[int]]
    of_text: list[list[int]]


def _classes(rows: Rows, step: Step) -> tuple[Examples, _Classes]:
    data = step.held(rows)
    assert data.labels is not None, "texts with a class"
    together = np.stack([data.labels, data.text_ids["text"]], axis=1)
    members: list[list[int]] = [[] for _ in data.class_names]
    of_text: list[list[int]] = [[] for _ in data.texts]
    for label, text in np.unique(together, axis=0).astype(int).tolist():
        members[label].append(text)
        of_text[text].append(label)
    if len(members) < 2:
        name = data.class_names[0] if data.label_kind is LabelKind.CLASS else "one"
        message = f"all {len(data):,} rows are of the class {name!r}, and nothing tells its texts from others"
        stop("one-class", message, None, "add texts of other classes")
    if all(len(each) < 2 for each in members):
        stop("cannot-convert", f"none of the {len(members):,} classes has two different texts", None, "is it a class?")
    return data, _Classes(members, of_text)


def _pairs(data: Examples, classes: _Classes, step: Step) -> Iterator[tuple[int, int, int]]:
    """Row, anchor and positive, in the order of the rows; a text that a class has twice is paired once."""
    circles = [_Circle.of(ids, data, name, step) for ids, name in zip(classes.members, data.class_names, strict=True)]
    assert data.labels is not None, "texts with a class"
    done: set[tuple[int, int]] = set()
    for row, (label, text) in enumerate(zip(data.labels.tolist(), data.text_ids["text"].tolist(), strict=True)):
        if (label, text) in done:
            step.tally.leave_out("row", "repeated a text of the class")
            continue
        done.add((label, text))
        partners = circles[label].partners(text)
        if not partners:
            step.tally.leave_out("row", "had no other text of the class")
        yield from ((row, text, partner) for partner in partners)


@dataclass(frozen=True)
class _Circle:
    """The texts of a class in random order. place: text -> index in it. steps: how far on the partners are."""

    ids: list[int]
    place: dict[int, int]
    steps: list[int]

    @classmethod
    def of(cls, ids: list[int], data: Examples, name: str, step: Step) -> _Circle:
        order = step.draws.shuffled(ids, data.texts, "class", name)
        steps = step.draws.offsets(len(order), int(step.options["positives"]), "class", name)
        return cls(order, {text: place for place, text in enumerate(order)}, steps)

    def partners(self, text: int) -> list[int]:
        start = self.place[text]
        return [self.ids[(start + each) % len(self.ids)] for each in self.steps]


@dataclass(frozen=True)
class _Pool:
    """The texts of a single class, class by class. starts: (C + 1) where each class begins, and the end of the last."""

    ids: list[int]
    starts: list[int]

    @classmethod
    def of(cls, classes: _Classes, data: Examples, draws: Draws) -> _Pool:
        alone = [[text for text in ids if len(classes.of_text[text]) == 1] for ids in classes.members]
        ordered = [draws.shuffled(ids, data.texts, "pool") for ids in alone]
        return cls(list(chain.from_iterable(ordered)), [0, *accumulate(map(len, ordered))])

    def outside(self, classes: list[int], start: int, count: int) -> list[int]:
        """At most `count` different texts of none of `classes`, from where the number `start` falls."""
        sizes = [self.starts[each + 1] - self.starts[each] for each in classes]
        left = len(self.ids) - sum(sizes)
        # where each left-out class begins among those that stay
        gaps = [self.starts[each] - before for each, before in zip(classes, accumulate([0, *sizes]), strict=False)]
        skipped = [0, *accumulate(sizes)]
        return [self.ids[place + skipped[bisect_right(gaps, place)]] for place in spread(left, start, count)]
