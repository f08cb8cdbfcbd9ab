"""The findings of `check-format` as text: what the data is, what is wrong, which loss to take, in this order."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from embtune.catalog import LossSpec
from embtune.catalog.fitting import what_it_takes
from embtune.catalog.formats import FORMAT_NAMES
from embtune.cli.format_rows import row_facts
from embtune.data.rows import STDIN
from embtune.pipeline.check_format import CONFIG_SUFFIXES
from embtune.pipeline.data_report import DataReport, Report, RetrievalReport, Verdict

_TOLD = 2  # losses whose purpose is told
Facts = list[str]


def report_lines(report: Report, width: int, verbose: bool = False) -> list[str]:
    """A dataset's findings, wrapped at `width`. verbose: losses that never fit have their formats in full."""
    if isinstance(report, RetrievalReport):
        sections = [("Worth a look", [sentence for _, sentence in report.warnings])]
        lines = [f"{report.path}: a retrieval set, for evaluation", *_wrapped(_retrieval_facts(report), width)]
    else:
        sections = list(_sections(report, verbose))
        lines = [f"{report.path}:", *_wrapped(_head(report), width)]
    for heading, facts in sections:
        if facts:
            lines += ["", heading, *_wrapped(facts, width)]
    return lines


def bad_rows_lines(report: Report) -> list[str]:
    """The first bad rows of each kind with their places, and a line that counts all; none where all rows are good."""
    if isinstance(report, RetrievalReport) or not report.found.bad:
        return []
    found, lines = report.found, list[str]()
    for kind in found.bad_cells:
        lines += [problem.render() for problem in kind.first]
        hidden = kind.count - len(kind.first)
        if hidden:
            lines.append(f"  and {hidden:,} rows more with {kind.code}{f' in {kind.role}' if kind.role else ''}")
    lines.append(f"{found.bad:,} of {found.rows:,} rows of {report.path} cannot be used")
    return [*lines, f"  help: {found.remark}"] if found.remark else lines


def next_line(reports: Sequence[Report], target: str) -> str:
    """The command that comes next: for a config to train on it, for data to mend it or to make a config of it."""
    wrong = [report for report in reports if not report.ok]
    if target.lower().endswith(CONFIG_SUFFIXES):
        return f"correct {', '.join(report.path for report in wrong)}" if wrong else f"embtune train {target}"
    report = reports[0]
    if isinstance(report, RetrievalReport):
        return f"name {target} under data.eval of a config"
    if target == STDIN:
        return "the same rows in a file, then embtune init FILE -o config.yaml"
    if report.found.bad:
        return f"embtune check-format {target} --fix good.jsonl   # writes the other rows"
    return f"embtune init {target} -o config.yaml"


def _head(report: DataReport) -> Facts:
    """What it is, and the loss to take."""
    found = report.found
    good = "all usable" if not found.bad else f"{found.bad:,} of them not usable"
    best = next(iter(report.fitting()), None)
    return [
        f"{report.layout}; {found.rows:,} rows, {good}",
        f"recommended loss: {best.name if best else 'none as the data is'}",
    ]


def _sections(report: DataReport, verbose: bool) -> Iterator[tuple[str, Facts]]:
    yield "Roles", _roles(report)
    yield "Asked for", [_verdict(verdict) for verdict in report.asked]
    yield "Problems", [problem.render() for problem in report.problems]
    yield "Worth a look", [sentence for _, sentence in report.warnings]
    yield "Losses that fit (* recommended)", _fitting(report.fitting())
    yield "Rows", row_facts(report)
    yield "Losses that fit with another model", _with_model(report)
    ways = [f"--to {way.to}: {_names(more)}, after {way}" for way, more in report.convertible()]
    yield f"After a conversion (embtune convert {report.path} --to FORMAT -o OUT)", ways
    yield "Losses that never fit, and what they take", _never(report, verbose)


def _roles(report: DataReport) -> Facts:
    """A line a role, in columns, then what else a person should know of the reading."""
    rows = report.layout.table()
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    lines = [f"{role:<{widths[0]}}  {column:<{widths[1]}}  {why}" for role, column, why in rows]
    return [*lines, *report.layout.notes]


def _fitting(specs: Sequence[LossSpec]) -> Facts:
    """The best with what they do, then the names of the others."""
    others = [f"also {_names(specs[_TOLD:])}"] if len(specs) > _TOLD else []
    return [*(_named(spec) for spec in specs[:_TOLD]), *others] or ["none as it is"]


def _with_model(report: DataReport) -> Facts:
    """A line for each parameter that names such a model, with all losses that have it."""
    losses: dict[str, list[LossSpec]] = {}
    for parameter, spec in report.fitting_with_model():
        losses.setdefault(parameter, []).append(spec)
    return [f"{_names(specs)}: with {parameter}: MODEL" for parameter, specs in losses.items()]


def _retrieval_facts(report: RetrievalReport) -> Facts:
    data = report.data
    judged = sum(len(documents) for documents in data.qrels.values())
    return [f"{len(data.queries):,} queries, {len(data.corpus):,} documents, {judged:,} relevant pairs"]


def _never(report: DataReport, verbose: bool) -> Facts:
    """A line for each way of not fitting, whatever is converted, with all losses it is true of."""
    opened = {spec.name for _, more in report.convertible() for spec in more}
    alike: dict[str, list[LossSpec]] = {}
    for verdict in report.unfitting():
        if verdict.spec.name not in opened:
            takes = what_it_takes(verdict.spec) if verbose else _format_names(verdict.spec)
            alike.setdefault(takes, []).append(verdict.spec)
    lines = [f"{_names(specs)}: {takes}" for takes, specs in alike.items()]
    return lines if verbose or not lines else ["; ".join(lines)]


def _format_names(spec: LossSpec) -> str:
    return " or ".join(FORMAT_NAMES.get(format, "rows of its own") for format in spec.formats)


def _verdict(verdict: Verdict) -> str:
    if verdict.fits:
        return f"{verdict.spec.name} takes this data"
    return f"{verdict.reason}\nhelp: {verdict.remedy}" if verdict.remedy else verdict.reason


def _named(spec: LossSpec) -> str:
    return f"{spec.name}{' *' if spec.recommended else ''}: {spec.purpose}"


def _names(specs: Sequence[LossSpec]) -> str:
    return ", ".join(spec.name for spec in specs)


def _wrapped(facts: Sequence[str], width: int) -> list[str]:
    lines = [line for fact in facts for line in fact.splitlines()]
    return [
        part for line in lines for part in textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="    ")
    ]
