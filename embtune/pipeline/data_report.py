"""What a dataset is and which losses take it: the findings of `check-format`, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from embtune.catalog import Catalogue, LabelKind, LossSpec, losses_fitting, spec_fits, why_not
from embtune.catalog.conversions import Conversion, conversions_from, losses_after
from embtune.catalog.fitting import by_merit, model_wanted
from embtune.data.collector import RowCollector
from embtune.data.layout import Layout
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row
from embtune.data.rows import SAMPLE_ROWS, readable_rows
from embtune.errors import Problem

SHOWN = 10


@dataclass(frozen=True)
class Verdict:
    """Whether the data suits a loss; `reason` says why not, empty when it does."""

    spec: LossSpec
    reason: str

    @property
    def fits(self) -> bool:
        """Whether the loss takes the data."""
        return not self.reason


@dataclass(frozen=True)
class RowCounts:
    """What was met on the way through the rows. `problems` are the first ten bad rows, `bad` counts all."""

    rows: int
    bad: int
    texts: int  # distinct
    classes: tuple[str, ...]  # () where the label is no class
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class DataReport:
    """A dataset of rows against the losses there are. `asked` are those that were to be judged."""

    name: str
    path: str
    layout: Layout
    counts: RowCounts
    asked: tuple[Verdict, ...]
    catalogue: Catalogue

    @property
    def ok(self) -> bool:
        """Whether every row can be used and every loss that was asked about takes them."""
        return self.counts.bad == 0 and all(verdict.fits for verdict in self.asked)

    def fitting(self) -> list[LossSpec]:
        """The losses that take the data and need nothing else, the most suitable first."""
        found = losses_fitting(self.layout.roles, self.layout.label, self.catalogue.specs)
        return [spec for spec in found if self._model_wanted(spec) is None]

    def fitting_with_model(self) -> list[tuple[str, LossSpec]]:
        """The losses that take the data once a parameter names another model: that parameter, and the loss."""
        found = sorted(self.catalogue.losses(), key=by_merit)
        return [(wanted, spec) for spec in found if (wanted := self._model_wanted(spec))]

    def unfitting(self) -> list[Verdict]:
        """The losses that do not, whatever their parameters, and why."""
        roles, label = self.layout.roles, self.layout.label
        others = [spec for spec in self.catalogue.losses() if self._model_wanted(spec) is None]
        return [Verdict(spec, why_not(spec, roles, label)) for spec in others if not spec_fits(spec, roles, label)]

    def convertible(self) -> list[tuple[Conversion, list[LossSpec]]]:
        """The conversions that open more losses, with those losses."""
        fitting = [*self.fitting(), *(spec for _, spec in self.fitting_with_model())]
        ways = conversions_from(self.layout.roles, self.layout.label)
        return [(way, more) for way in ways if (more := losses_after(way, fitting, self.catalogue.specs))]

    def _model_wanted(self, spec: LossSpec) -> str | None:
        return model_wanted(spec, self.layout.roles, self.layout.label)


@dataclass(frozen=True)
class RowSource:
    """Rows to be judged, and what was declared of them. `columns` None has the roles detected."""

    name: str
    path: str
    rows: Iterator[Row]
    columns: dict[str, str] | None = None


def report_on(
    source: RowSource, asked: Sequence[LossSpec], catalogue: Catalogue, good_rows: list[Row] | None = None
) -> DataReport:
    """Go through all rows once.

    Args:
        source: read to its end.
        asked: losses to judge; their formats decide between readings of the data.
        catalogue: the losses there are.
        good_rows: filled with the rows that can be used, where they are wanted.

    Raises:
        ConfigError: the roles cannot be found, or are declared wrongly.
        DataError: no row can be read.
    """
    head = list(islice(source.rows, SAMPLE_ROWS))
    sample = readable_rows(head)
    wanted = [format for spec in asked for format in spec.formats]
    if source.columns is None:
        layout = detect_layout(sample, wanted)
    else:
        layout = declared_layout(source.columns, sample, wanted)
    counts = _count(chain(head, source.rows), layout, good_rows)
    verdicts = tuple(Verdict(spec, why_not(spec, layout.roles, layout.label)) for spec in asked)
    return DataReport(source.name, source.path, layout, counts, verdicts, catalogue)


def _count(rows: Iterable[Row], layout: Layout, good_rows: list[Row] | None) -> RowCounts:
    collector = RowCollector(layout, None)
    total, bad, first = 0, 0, list[Problem]()
    for row, problem in _judged(rows, collector):
        total += 1
        if problem is None:
            if good_rows is not None:
                good_rows.append(row)
            continue
        bad += 1
        if bad <= SHOWN:
            first.append(problem)
    classes = collector.labels()[1] if layout.label is LabelKind.CLASS else ()
    return RowCounts(total, bad, len(collector.texts()), classes, tuple(first))


def _judged(rows: Iterable[Row], collector: RowCollector) -> Iterator[tuple[Row, Problem | None]]:
    for row in rows:
        yield row, row.problem or collector.add(row)
