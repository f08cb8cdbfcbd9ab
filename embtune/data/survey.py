"""One pass over the rows of a dataset in bounded memory: what is in them, what is wrong, and a fair sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embtune.catalog.roles import LIST_ROLE, is_negative
from embtune.catalog.spec import LabelKind
from embtune.data.bad_cells import BadCellCounts, BadCells
from embtune.data.bad_rows import BadValueError
from embtune.data.found import Found, Tally
from embtune.data.label_counts import ClassCounts, NumberCounts, NumberRange
from embtune.data.layout import Layout
from embtune.data.repeats import distinct
from embtune.data.row import Row
from embtune.data.row_hashes import HashCollector, RowHashes
from embtune.data.row_reader import RowReader
from embtune.data.row_sample import RowSample, SampledRow
from embtune.data.summary import HEAD, Summary
from embtune.errors import Location, Problem

LONG = 3000  # characters; about 512 tokens of most languages are fewer
_NAMED = (LabelKind.CLASS, LabelKind.BINARY)


@dataclass(frozen=True)
class Surveyed:
    """What was found.

    rows: all of them.
    bad: those that cannot be used, and `bad_cells` why.
    summary: of the good ones; None where there is none.
    long: role -> the rows whose text has more than `LONG` characters.
    negatives: how many a row has -> rows; empty where the layout has none.
    numbers: of labels that are numbers.
    unnamed: rows of classes beyond those that are counted by name.
    remark: what the bad labels together advise.
    """

    rows: int
    bad: int
    bad_cells: tuple[BadCells, ...]
    summary: Summary | None
    hashes: RowHashes
    sample: tuple[SampledRow, ...]
    long: Mapping[str, Found]
    negatives: Mapping[int, int]
    numbers: NumberRange | None
    unnamed: int
    remark: str | None


class Survey:
    """Takes rows one by one."""

    def __init__(self, layout: Layout) -> None:
        self.rows = 0
        self._reader = RowReader(layout)
        self._kind = layout.label
        self._roles = tuple(self._reader.columns.single)
        self._bad = BadCellCounts()
        self._hashes = HashCollector(self._roles)
        self._sample = RowSample()
        self._head: list[tuple[str | None, ...]] = []
        self._classes, self._numbers = ClassCounts(), NumberCounts()
        self._negatives: Counter[int] = Counter()
        self._has_negatives = any(map(is_negative, layout.roles))
        self._long: dict[str, Tally] = {}
        self._twins = Tally()
        self._twin_roles = _twin_roles(layout.roles)
        self._first: Location | None = None

    def add(self, row: Row) -> Problem | None:
        """Look at a row; what is wrong with it, if anything is."""
        self.rows += 1
        if row.problem is not None:
            self._bad.add(row.problem, "")
            return row.problem
        try:
            texts, label = self._reader.read(row)
        except BadValueError as error:
            problem = Problem(error.code, error.reason, row.location, error.hint)
            self._bad.add(problem, error.role)
            return problem
        self._keep(texts, label, row.location)
        return None

    def _keep(self, texts: list[str | None], label: object, place: Location) -> None:
        if self._first is None:
            self._first = place
            if self._reader.labels is not None:
                self._reader.labels.add(label)  # the first vector sets the width of all; no other label is kept
        self._hashes.add(texts, place)
        self._sample.add(place, texts)
        if len(self._head) < HEAD:
            self._head.append(tuple(texts))
        if self._kind in _NAMED:
            self._classes.add(str(label), place)
        elif label is not None:
            self._numbers.add(label)
        if self._twin_roles and _are_twins(texts, self._twin_roles, self._roles):
            self._twins.add(place)
        if self._has_negatives:
            self._negatives[self._reader.columns.count_negatives(texts)] += 1
        for number, text in enumerate(texts):
            if text is not None and len(text) > LONG:
                self._long.setdefault(self._role_of(number), Tally()).add(place)

    def _role_of(self, number: int) -> str:
        """Of a row's texts by their number; all of a list have its role."""
        return self._roles[number] if number < len(self._roles) else LIST_ROLE

    def surveyed(self) -> Surveyed:
        """Everything that was found; no row may be added after."""
        hashes, sample, numbers = self._hashes.hashes(), tuple(self._sample.rows()), self._numbers.found()
        return Surveyed(
            rows=self.rows,
            bad=self._bad.count,
            bad_cells=self._bad.found(),
            summary=self._summary(hashes, sample, numbers),
            hashes=hashes,
            sample=sample,
            long={role: tally.found() for role, tally in self._long.items()},
            negatives=dict(sorted(self._negatives.items())),
            numbers=numbers,
            unnamed=self._classes.others,
            remark=None if self._reader.labels is None else self._reader.labels.remark(),
        )

    def _summary(self, hashes: RowHashes, sample: Sequence[SampledRow], numbers: NumberRange | None) -> Summary | None:
        if self._first is None:
            return None
        lengths = {role: _mean([row.texts[place] for row in sample]) for place, role in enumerate(self._roles)}
        return Summary(
            rows=self.rows - self._bad.count,
            first=self._first,
            distinct={role: distinct(hashes.texts[role]) for role in self._roles},
            twins={self._twin_roles: self._twins.found()} if self._twin_roles else {},
            classes=self._classes.found(),
            bounds=None if numbers is None else (numbers.lowest, numbers.highest),
            lengths=lengths,
            head=tuple(dict(zip(self._roles, texts, strict=False)) for texts in self._head),
        )


def _twin_roles(roles: Sequence[str]) -> tuple[str, str] | None:
    """The two roles that must not have one text, as `Summary.twins` names them."""
    if "sentence_A" in roles:
        return ("sentence_A", "sentence_B")
    return ("positive", "negative") if "positive" in roles and any(map(is_negative, roles)) else None


def _are_twins(texts: Sequence[str | None], twins: tuple[str, str], roles: Sequence[str]) -> bool:
    first, second = twins
    if second in roles:
        return texts[roles.index(first)] == texts[roles.index(second)]
    place = roles.index(first)
    return texts[place] in texts[place + 1 :]  # in role order negatives come last


def _mean(texts: Sequence[str | None]) -> float:
    """The mean length in characters."""
    lengths = [len(text) for text in texts if text is not None]
    return sum(lengths) / max(1, len(lengths))
