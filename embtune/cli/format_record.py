"""The findings of `check-format` as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from embtune.data.bad_cells import BadCells
from embtune.data.found import Found
from embtune.data.repeats import Repeats
from embtune.data.role_lengths import PERCENTILES, RoleLengths
from embtune.errors import Problem
from embtune.pipeline.data_report import DataReport, Report, RetrievalReport

Record = dict[str, object]


def report_record(report: Report) -> Record:
    """A dataset's findings."""
    record: Record = {"name": report.name, "path": report.path, "ok": report.ok}
    warnings = [{"code": code, "message": sentence} for code, sentence in report.warnings]
    if isinstance(report, RetrievalReport):
        sizes = {"queries": len(report.data.queries), "documents": len(report.data.corpus)}
        return {**record, "kind": "retrieval", **sizes, "warnings": warnings}
    parts = {**_layout_record(report), **_rows_record(report), **_losses_record(report)}
    return {**record, "kind": "rows", **parts, "warnings": warnings}


def problem_record(problem: Problem) -> Record:
    """A problem with its place."""
    place = problem.location
    return {
        "code": problem.code,
        "message": problem.message,
        "path": place.path if place else None,
        "line": place.line if place else None,
        "hint": problem.hint,
    }


def _layout_record(report: DataReport) -> Record:
    layout = report.layout
    return {
        "roles": layout.columns,
        "label": {"column": layout.label_column, "kind": layout.label.value},
        "reasons": list(layout.reasons),
        "notes": list(layout.notes),
    }


def _rows_record(report: DataReport) -> Record:
    found, summary = report.found, report.found.summary
    distinct = {} if summary is None else dict(summary.distinct)
    return {
        "rows": found.rows,
        "bad_rows": found.bad,
        "bad_cells": [_bad_record(kind) for kind in found.bad_cells],
        "distinct": distinct,
        "labels": _label_record(report),
        "negatives_per_row": {str(number): rows for number, rows in found.negatives.items()},
        "tokens": {each.role: _lengths_record(each) for each in report.lengths} or None,
        "tokens_unknown": report.no_lengths or None,
        "too_long": {role: _found_record(each) for role, each in found.long.items()},
        "repeated_rows": _repeats_record(report.twice.rows),
        "repeated_queries": _repeats_record(report.twice.queries),
        "near_repeated_queries": _repeats_record(report.twice.near),
        "problems": [problem_record(problem) for problem in _problems(report)],
    }


def _problems(report: DataReport) -> Iterator[Problem]:
    """What is wrong with the rows together, then the first bad cells of each kind."""
    yield from report.problems
    for kind in report.found.bad_cells:
        yield from kind.first


def _bad_record(kind: BadCells) -> Record:
    return {"code": kind.code, "role": kind.role or None, "rows": kind.count}


def _label_record(report: DataReport) -> Record | None:
    summary, numbers = report.found.summary, report.found.numbers
    if summary is not None and summary.classes:
        return {"classes": {name: found.count for name, found in summary.classes.items()}}
    if numbers is None:
        return None
    return {"lowest": numbers.lowest, "highest": numbers.highest, "mean": numbers.mean, "tenths": list(numbers.tenths)}


def _lengths_record(lengths: RoleLengths) -> Record:
    percentiles = {str(percent): count for percent, count in zip(PERCENTILES, lengths.percentiles, strict=True)}
    return {"percentiles": percentiles, "limit": lengths.limit, "share_cut": lengths.share, "sampled": lengths.rows}


def _found_record(found: Found) -> Record:
    return {"rows": found.count, "first": [str(place) for place in found.places]}


def _repeats_record(found: Repeats) -> Record:
    return {**_found_record(found.found), "earlier": [str(place) for place in found.earlier]}


def _losses_record(report: DataReport) -> Mapping[str, object]:
    fitting = report.fitting()
    return {
        "recommended": fitting[0].name if fitting else None,
        "losses": [
            {"name": v.spec.name, "fits": v.fits, "reason": v.reason or None, "remedy": v.remedy or None}
            for v in report.asked
        ],
        "fits": [spec.name for spec in fitting],
        "fits_with": {spec.name: parameter for parameter, spec in report.fitting_with_model()},
        "does_not_fit": {verdict.spec.name: verdict.reason for verdict in report.unfitting()},
        "after_conversion": [
            {"to": way.to.value, "conversion": str(way), "losses": [spec.name for spec in more]}
            for way, more in report.convertible()
        ],
    }
