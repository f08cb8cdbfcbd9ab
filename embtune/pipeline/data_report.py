"""What a dataset is and which losses take it: the findings of `check-format`, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from embtune.catalog import Catalogue, LossSpec, losses_fitting, spec_fits, why_not
from embtune.catalog.conversions import Way, conversions_from, losses_after
from embtune.catalog.fitting import by_merit, model_wanted
from embtune.data.layout import Layout
from embtune.data.repeats import Repeats, repeats
from embtune.data.retrieval import RetrievalSet
from embtune.data.role_lengths import RoleLengths
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row
from embtune.data.rows import SAMPLE_ROWS, readable_rows
from embtune.data.survey import Survey, Surveyed
from embtune.errors import Problem
from embtune.pipeline.data_warnings import data_warnings
from embtune.pipeline.learnable import Learnt, unlearnable
from embtune.pipeline.misfits import misfit

_STEP = 1000  # rows between two words on how far it is
Warned = tuple[str, str]  # a stable code, and a sentence


@dataclass(frozen=True)
class Verdict:
    """Whether the data suits a loss; `reason` says why not, empty when it does, and `remedy` what to do about it."""

    spec: LossSpec
    reason: str
    remedy: str = ""

    @property
    def fits(self) -> bool:
        """Whether the loss takes the data."""
        return not self.reason


@dataclass(frozen=True)
class Twice:
    """Rows that say what an earlier row says. queries: of the first role. near: the same words in another text."""

    queries: Repeats
    near: Repeats
    rows: Repeats


@dataclass(frozen=True)
class DataReport:
    """A dataset of rows against the losses there are.

    asked: verdicts on the losses that were to be judged. problems: why no step of these could teach anything.
    warnings: what the user may not want. lengths: in tokens, where a model is named; else `no_lengths` says why not,
    empty where nothing was asked for.
    """

    name: str
    path: str
    layout: Layout
    found: Surveyed
    twice: Twice
    asked: tuple[Verdict, ...]
    catalogue: Catalogue
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Warned, ...] = ()
    lengths: tuple[RoleLengths, ...] = field(default=())
    no_lengths: str = ""

    @property
    def ok(self) -> bool:
        """Whether every row can be used and every loss that was asked about takes them and can learn from them."""
        return self.found.bad == 0 and not self.problems and all(verdict.fits for verdict in self.asked)

    @property
    def learnt(self) -> Learnt | None:
        """The set as it would be judged before training; None where it has no good row."""
        if self.found.summary is None:
            return None
        return Learnt(self.name, self.layout, self.found.summary, tuple(verdict.spec for verdict in self.asked))

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

    def convertible(self) -> list[tuple[Way, list[LossSpec]]]:
        """The conversions that open more losses, with those losses."""
        fitting = [*self.fitting(), *(spec for _, spec in self.fitting_with_model())]
        ways = conversions_from(self.layout.roles, self.layout.label)
        return [(way, more) for way in ways if (more := losses_after(way, fitting, self.catalogue.specs))]

    def _model_wanted(self, spec: LossSpec) -> str | None:
        return model_wanted(spec, self.layout.roles, self.layout.label)


@dataclass(frozen=True)
class RetrievalReport:
    """A retrieval folder that could be read: it is for evaluation, no loss takes it."""

    name: str
    path: str
    data: RetrievalSet
    warnings: tuple[Warned, ...] = ()
    ok: bool = True


Report = DataReport | RetrievalReport


@dataclass(frozen=True)
class RowSource:
    """Rows to be judged, and what was declared of them.

    columns: None has the roles detected. is_held_out: they are evaluated on, so that no loss is to learn from them.
    """

    name: str
    path: str
    rows: Iterator[Row]
    columns: dict[str, str] | None = None
    is_held_out: bool = False


def report_on(
    source: RowSource,
    asked: Sequence[LossSpec],
    catalogue: Catalogue,
    keep: Callable[[Row], None] | None = None,
    advance: Callable[[int], None] | None = None,
) -> DataReport:
    """Go through all rows once, in memory that does not grow with them beyond 32 bytes a row and role.

    Args:
        source: read to its end.
        asked: losses to judge; their formats decide between readings of the data.
        catalogue: the losses there are.
        keep: called with each row that can be used, where they are wanted.
        advance: called with how many rows more were looked at.

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
    found = _survey(chain(head, source.rows), layout, keep, advance or _nowhere)
    verdicts = tuple(_verdict(spec, layout, sample, catalogue) for spec in asked)
    report = DataReport(source.name, source.path, layout, found, _twice(found), verdicts, catalogue)
    return report if source.is_held_out else _with_findings(report)


def _survey(
    rows: Iterator[Row], layout: Layout, keep: Callable[[Row], None] | None, advance: Callable[[int], None]
) -> Surveyed:
    survey = Survey(layout)
    for row in rows:
        problem = survey.add(row)
        if keep is not None and problem is None:
            keep(row)
        if not survey.rows % _STEP:
            advance(_STEP)
    advance(survey.rows % _STEP)
    return survey.surveyed()


def _nowhere(rows: int) -> None:
    """For nobody who looks."""


def _twice(found: Surveyed) -> Twice:
    hashes = found.hashes
    first = next(iter(hashes.texts.values()), hashes.near)
    return Twice(
        queries=repeats(first, hashes.places),
        near=repeats(hashes.near, hashes.places, besides=first),
        rows=repeats(hashes.rows(), hashes.places),
    )


def _verdict(spec: LossSpec, layout: Layout, sample: Sequence[Row], catalogue: Catalogue) -> Verdict:
    if spec_fits(spec, layout.roles, layout.label):
        return Verdict(spec, "")
    return Verdict(spec, *misfit(spec, layout, sample, catalogue))


def _with_findings(report: DataReport) -> DataReport:
    """The report with what its rows say against the losses that were asked about, as far as these take them.

    Where none was, they are held against the recommended one, whose problems are no more than warnings.
    """
    learnt, best = report.learnt, report.fitting()[:1]
    if learnt is None or not all(verdict.fits for verdict in report.asked):
        return report
    if report.asked:
        return replace(report, problems=tuple(unlearnable(learnt)), warnings=tuple(data_warnings([learnt])))
    advised = replace(learnt, specs=tuple(best))
    told = [(problem.code, f"{problem.message}; {problem.hint}") for problem in unlearnable(advised)]
    return replace(report, warnings=(*told, *data_warnings([advised])))
