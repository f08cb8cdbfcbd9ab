"""The findings of `check-format` as text and as JSON values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from embtune.catalog import LossSpec
from embtune.catalog.fitting import what_it_takes
from embtune.errors import Problem
from embtune.pipeline.check_format import Report, RetrievalReport
from embtune.pipeline.data_report import DataReport, Verdict


def report_lines(report: Report, width: int) -> list[str]:
    """A dataset's findings, wrapped at `width`."""
    if isinstance(report, RetrievalReport):
        return [f"{report.path}: a retrieval set, for evaluation", *_wrapped(_retrieval_facts(report), width)]
    lines = [f"{report.path}: {report.layout}", *_wrapped(_row_facts(report), width)]
    for heading, facts in _sections(report):
        if facts:
            lines += ["", heading, *_wrapped(facts, width)]
    return lines


def report_record(report: Report) -> dict[str, object]:
    """A dataset's findings as JSON values."""
    record: dict[str, object] = {"name": report.name, "path": report.path, "ok": report.ok}
    if isinstance(report, RetrievalReport):
        sizes = {"queries": len(report.data.queries), "documents": len(report.data.corpus)}
        return {**record, "kind": "retrieval", **sizes}
    return {**record, "kind": "rows", **_layout_record(report), **_losses_record(report)}


def problem_record(problem: Problem) -> dict[str, object]:
    """A bad row as JSON values."""
    place = problem.location
    return {
        "code": problem.code,
        "message": problem.message,
        "path": place.path if place else None,
        "line": place.line if place else None,
        "hint": problem.hint,
    }


def bad_rows_lines(report: Report) -> list[str]:
    """The first bad rows with their places, and a line that counts all; none where all rows are good."""
    if isinstance(report, RetrievalReport) or not report.counts.bad:
        return []
    counts = report.counts
    hidden = counts.bad - len(counts.problems)
    more = f"; {hidden:,} more are not shown" if hidden else ""
    total = f"{counts.bad:,} of {counts.rows:,} rows of {report.path} cannot be used{more}"
    return [*(problem.render() for problem in counts.problems), total]


def _sections(report: DataReport) -> Iterator[tuple[str, list[str]]]:
    yield "Roles", [*report.layout.reasons, *report.layout.notes]
    yield "Asked for", [_verdict(verdict) for verdict in report.asked]
    yield "Losses that fit (* recommended)", [_named(spec) for spec in report.fitting()] or ["none as it is"]
    yield "Losses that fit with another model", _with_model(report)
    yield "After a conversion", [f"{way}: {_names(more)}" for way, more in report.convertible()]
    yield "Losses that do not fit, and what they take", _unfitting(report)


def _with_model(report: DataReport) -> list[str]:
    """A line for each parameter that names such a model, with all losses that have it."""
    losses: dict[str, list[LossSpec]] = {}
    for parameter, spec in report.fitting_with_model():
        losses.setdefault(parameter, []).append(spec)
    return [f"{_names(specs)}: with {parameter}: MODEL" for parameter, specs in losses.items()]


def _row_facts(report: DataReport) -> list[str]:
    counts = report.counts
    good = "all usable" if not counts.bad else f"{counts.bad:,} of them not usable"
    facts = f"{counts.rows:,} rows, {good}, {counts.texts:,} distinct texts"
    if counts.classes:
        facts += f", {len(counts.classes):,} classes"
    return [facts]


def _retrieval_facts(report: RetrievalReport) -> list[str]:
    data = report.data
    judged = sum(len(documents) for documents in data.qrels.values())
    return [f"{len(data.queries):,} queries, {len(data.corpus):,} documents, {judged:,} relevant pairs"]


def _unfitting(report: DataReport) -> list[str]:
    """A line for each way of not fitting, with all losses it is true of."""
    alike: dict[str, list[LossSpec]] = {}
    for verdict in report.unfitting():
        alike.setdefault(what_it_takes(verdict.spec), []).append(verdict.spec)
    return [f"{_names(specs)}: {takes}" for takes, specs in alike.items()]


def _verdict(verdict: Verdict) -> str:
    return f"{verdict.spec.name} takes this data" if verdict.fits else verdict.reason


def _named(spec: LossSpec) -> str:
    return f"{spec.name}{' *' if spec.recommended else ''}: {spec.purpose}"


def _names(specs: Sequence[LossSpec]) -> str:
    return ", ".join(spec.name for spec in specs)


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    return [
        part for line in lines for part in textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="    ")
    ]


def _layout_record(report: DataReport) -> dict[str, object]:
    layout, counts = report.layout, report.counts
    return {
        "rows": counts.rows,
        "bad_rows": counts.bad,
        "distinct_texts": counts.texts,
        "classes": len(counts.classes) or None,
        "roles": layout.columns,
        "label": {"column": layout.label_column, "kind": layout.label.value},
        "reasons": list(layout.reasons),
        "notes": list(layout.notes),
        "problems": [problem_record(problem) for problem in counts.problems],
    }


def _losses_record(report: DataReport) -> dict[str, object]:
    return {
        "losses": [{"name": v.spec.name, "fits": v.fits, "reason": v.reason or None} for v in report.asked],
        "fits": [spec.name for spec in report.fitting()],
        "fits_with": {spec.name: parameter for parameter, spec in report.fitting_with_model()},
        "does_not_fit": {verdict.spec.name: verdict.reason for verdict in report.unfitting()},
        "after_conversion": [
            {"conversion": str(way), "losses": [spec.name for spec in more]} for way, more in report.convertible()
        ],
    }
