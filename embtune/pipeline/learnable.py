"""Whether a training set has anything for its losses to learn: all of its rows together, after each was found good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

from embtune.catalog import LossSpec, effective_spec
from embtune.catalog.roles import is_negative
from embtune.catalog.spec import Coupling, LabelKind, Need
from embtune.data.columns import columns_line
from embtune.data.found import rows_word
from embtune.data.layout import Layout
from embtune.data.summary import Summary
from embtune.errors import Problem

SCORE = LabelKind.SCORE
_CERTAIN = 0.9  # of the first rows
_DECLARE = "or, if another column is meant, declare it: columns: {%s: ...}"


@dataclass(frozen=True)
class Learnt:
    """A training set as it is judged here: what it is, what its rows say together, what is trained on it."""

    name: str
    layout: Layout
    summary: Summary
    specs: tuple[LossSpec, ...]

    def column(self, role: str) -> str:
        """The role with its column, as messages begin: "anchor (column 'question')"."""
        column = self.layout.label_column if role == "label" else self.layout.columns.get(role)
        return role if column is None or column == role else f"{role} (column {column!r})"


def unlearnable(data: Learnt) -> list[Problem]:
    """Why no step could teach anything, each at the row that shows it first; empty where one could."""
    checks: tuple[Callable[[Learnt], Iterator[Problem]], ...] = (
        _few_rows, _one_text, _twins, _no_class, _one_class, _one_score, _swapped,
    )  # fmt: skip
    return [problem for check in checks for problem in check(data)]


def one_label(sets: Sequence[Learnt]) -> dict[str, Problem]:
    """Pairs of 1 or 0 that are all labelled alike, over all training sets: 1 pulls everything together, 0 apart.

    Returns:
        Name of a set -> what is wrong with it; empty where one set can make up for another.
    """
    judged = [(each, spec) for each in sets for spec in each.specs if compares_labels(each, spec)]
    labels = {label for each, _ in judged for label in each.summary.classes}
    return {each.name: _one_label(each, spec, *labels) for each, spec in judged} if len(labels) == 1 else {}


def compares_labels(data: Learnt, spec: LossSpec) -> bool:
    """Whether the loss learns from pairs labelled 1 beside others labelled 0."""
    return data.layout.label is LabelKind.BINARY and any(format.label is LabelKind.BINARY for format in spec.formats)


def _one_label(data: Learnt, spec: LossSpec, label: str) -> Problem:
    message = (
        f"{data.column('label')} is {label} in all {data.summary.rows:,} rows, and {spec.name} learns from 1 beside 0"
    )
    hint = "add pairs of the other label, or take a loss for pairs without a label"
    return Problem("one-label", message, data.summary.first, hint)


def _few_rows(data: Learnt) -> Iterator[Problem]:
    rows = data.summary.rows
    alone = [spec for spec in data.specs if rows < spec.minimum_batch and not _has_negatives(data)]
    for spec in alone[:1]:
        found = f"{rows_word(rows)} of {', '.join(map(data.column, data.layout.roles))}"
        needed = f"and {spec.name} compares at least {spec.minimum_batch}"
        yield Problem("too-few-rows", f"{found}, {needed}", data.summary.first, "add rows")


def _one_text(data: Learnt) -> Iterator[Problem]:
    """A role with one text in all rows: nothing tells rows apart by it, and no two of them can share a batch."""
    if data.summary.rows < 2 or _has_negatives(data):
        return
    alike = [role for role in data.layout.roles if data.summary.distinct.get(role) == 1]
    apart = [spec for spec in data.specs if Need.NO_DUPLICATES in effective_spec(spec).needs]
    if alike and (apart or len(alike) == len(data.layout.roles)):
        named = ", ".join(map(data.column, alike))
        message = f"{named} is the same text in all {data.summary.rows:,} rows: there is nothing to tell apart"
        yield Problem("nothing-to-learn", message, data.summary.first, f"add rows with others, {_DECLARE % alike[0]}")


def _twins(data: Learnt) -> Iterator[Problem]:
    """Two texts that are to be told apart, or judged, and are one text in every row."""
    for (first, second), found in data.summary.twins.items():
        if found.count == data.summary.rows:
            message = f"{data.column(second)} is the text of {data.column(first)} in all {found.count:,} rows"
            hint = f"give each row another {second}, {_DECLARE % second}"
            yield Problem("nothing-to-learn", message, data.summary.first, hint)


def _no_class(data: Learnt) -> Iterator[Problem]:
    """-1 beside 0, 1 and 2, and "-" beside words, mark rows that nobody could label; as a class they teach nonsense."""
    for name, found in data.summary.classes.items():
        others = data.summary.classes.keys() - {name}
        if _takes_classes(data) and (_is_missing_number(name, others) or _is_missing_word(name, others)):
            message = f"{data.column('label')} is {name} in {rows_word(found.count)}, which marks rows without a class"
            hint = "leave these rows out; if it is a class like the others, write a word for it"
            yield Problem("no-class", message, found.places[0], hint)


def _takes_classes(data: Learnt) -> bool:
    return data.layout.label is LabelKind.CLASS and any(
        format.label is LabelKind.CLASS for spec in data.specs for format in spec.formats
    )


def _is_missing_number(name: str, others: Set[str]) -> bool:
    """-1, where the others count from 0 beyond 1; of -1, 0 and 1 it is an opinion."""
    return name == "-1" and all(other.isdecimal() for other in others) and any(int(other) > 1 for other in others)


def _is_missing_word(name: str, others: Set[str]) -> bool:
    return name == "-" and all(any(map(str.isalpha, other)) for other in others)


def _one_class(data: Learnt) -> Iterator[Problem]:
    """Losses that compare or tell classes, where there is one class or none twice."""
    classes, rows = data.summary.classes, data.summary.rows
    comparing = _needing(data, Need.GROUP_BY_LABEL)
    wanting = comparing or _needing(data, Need.NUM_LABELS)
    if not wanting or not classes:
        return
    texts = ", ".join(f"{role}: ..." for role in data.layout.roles)
    declared = f"columns: {{{texts}, label: ...}}"
    hint = f"add rows with other classes, or, if another column holds the class, name it in {declared}"
    if len(classes) == 1:
        found = f"all {rows:,} rows of {data.name!r} have the same class, {next(iter(classes))!r} in column"
        message = f"{found} {data.layout.label_column!r}, and {wanting[0]} needs at least two"
        yield Problem("one-class", message, data.summary.first, hint)
    elif len(classes) == rows and comparing:
        found = f"no two of the {rows:,} rows of {data.name!r} have the same class in column"
        message = f"{found} {data.layout.label_column!r}, and {comparing[0]} compares texts of a class"
        yield Problem("no-class-twice", message, data.summary.first, hint)


def _needing(data: Learnt, need: Need) -> list[str]:
    """The names of those losses that need it."""
    return [spec.name for spec in data.specs if need in effective_spec(spec).needs]


def _one_score(data: Learnt) -> Iterator[Problem]:
    """A loss that orders rows by their scores, where no two scores differ."""
    bounds = data.summary.bounds
    ordering = [spec.name for spec in data.specs if spec.coupling is Coupling.BATCH and spec.formats[0].label is SCORE]
    if data.layout.label is SCORE and bounds is not None and bounds[0] == bounds[1] and ordering:
        found = f"{data.column('label')} is {bounds[0]:g} in all {data.summary.rows:,} rows"
        message = f"{found}, and {ordering[0]} puts rows in the order of their scores"
        yield Problem("one-score", message, data.summary.first, f"add rows with other scores, {_DECLARE % 'label'}")


def _swapped(data: Learnt) -> Iterator[Problem]:
    """Damaged texts that hold all the words of their originals, and more: they are the originals."""
    if words_kept(data.summary) >= _CERTAIN:
        message = f"{data.column('damaged')} has every word of {data.column('original')} and more: they are swapped"
        yield Problem("swapped-columns", message, data.summary.first, f"write {swapped_line(data.layout)}")


def swapped_line(layout: Layout) -> str:
    """The line of YAML that has damaged and original texts the other way round."""
    return columns_line({"damaged": layout.columns["original"], "original": layout.columns["damaged"]})


def words_kept(summary: Summary) -> float:
    """The share of the first rows whose damaged text has all words of the original and is another text."""
    pairs = [(row.get("damaged") or "", row.get("original") or "") for row in summary.head]
    holding = [damaged != original and set(original.split()) <= set(damaged.split()) for damaged, original in pairs]
    return sum(holding) / max(1, len(holding))


def _has_negatives(data: Learnt) -> bool:
    return any(map(is_negative, data.layout.roles))
