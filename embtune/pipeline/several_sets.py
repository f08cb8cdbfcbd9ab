"""What the datasets of a config say to each other: texts on both sides of an evaluation, labels that are all one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from embtune.catalog import effective_spec
from embtune.catalog.formats import PAIR_CLASS
from embtune.catalog.spec import Need
from embtune.data.found import Found, rows_word
from embtune.data.repeats import shared_rows
from embtune.errors import Problem
from embtune.pipeline.data_report import DataReport, Report, RetrievalReport, Warned
from embtune.pipeline.learnable import one_label

_MUCH = 0.01  # of the evaluation rows; a few are chance


def across_sets(trained: Sequence[Report], held: Sequence[Report]) -> list[Report]:
    """The reports of training and evaluation sets with what they are to each other among their findings."""
    sets = [each for each in trained if isinstance(each, DataReport)]
    alike = one_label([each.learnt for each in sets if each.learnt is not None])
    return [*(_with_problem(each, alike) for each in trained), *(_with_overlaps(each, sets) for each in held)]


def _with_problem(report: Report, found: Mapping[str, Problem]) -> Report:
    """The report with the problem of its name, which says more than the warning of the same code."""
    if not isinstance(report, DataReport) or report.name not in found:
        return report
    problem = found[report.name]
    warnings = tuple(each for each in report.warnings if each[0] != problem.code)
    return replace(report, problems=(*report.problems, problem), warnings=warnings)


def _with_overlaps(report: Report, sets: Sequence[DataReport]) -> Report:
    warnings = (*report.warnings, *_overlaps(report, sets))
    if isinstance(report, RetrievalReport):
        return replace(report, warnings=warnings)
    return replace(report, warnings=warnings, problems=(*report.problems, *_unknown_classes(report, sets)))


def _unknown_classes(report: DataReport, sets: Sequence[DataReport]) -> Iterator[Problem]:
    """Classes of an evaluation set that the head which is trained to tell classes will not know."""
    heads = [each.found.summary.classes for each in sets if each.found.summary is not None and _trains_head(each)]
    if report.found.summary is None or not heads or not report.layout.is_of((PAIR_CLASS,)):
        return
    found = report.found.summary.classes
    judge = next((classes for classes in heads if found.keys() <= classes.keys()), heads[0])
    for name in [name for name in found if name not in judge]:
        message = f"label (column {report.layout.label_column!r}) is {name!r} in {rows_word(found[name].count)}"
        known = f"which is no class of the training data ({', '.join(sorted(judge)[:8])})"
        hint = "correct them, or set data.on_bad_row: skip to leave such rows out"
        yield Problem("unknown-class", f"{message}, {known}", found[name].places[0], hint)


def _trains_head(report: DataReport) -> bool:
    return any(Need.NUM_LABELS in effective_spec(verdict.spec).needs for verdict in report.asked)


def _overlaps(report: Report, sets: Sequence[DataReport]) -> Iterator[Warned]:
    for other in sets:
        if not len(other.found.hashes):
            continue
        if isinstance(report, RetrievalReport):
            found, rows, what = _shared_queries(report, other), len(report.data.queries), "queries"
        else:
            found, rows, what = shared_rows(report.found.hashes, other.found.hashes), len(report.found.hashes), "rows"
        if found.count > _MUCH * rows:
            places = f": {found}" if found.places else ""
            yield (
                "train-eval-overlap",
                f"{found.count:,} of {rows:,} {what} of {report.name} have a first text that {other.name} trains on, "
                f"so that their scores say little of new texts{places}; hold out others (data.train[].hold_out)",
            )


def _shared_queries(report: RetrievalReport, other: DataReport) -> Found:
    queries = np.array([hash(text) for text in report.data.queries.values()], dtype=np.int64)
    trained = next(iter(other.found.hashes.texts.values()))
    return Found(int(np.isin(queries, trained).sum()), ())
