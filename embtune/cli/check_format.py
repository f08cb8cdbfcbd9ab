"""`embtune check-format CONFIG|DATA`: what the data is, and which losses take it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from embtune.cli.options import JsonOption, QuietOption, SetOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data, print_json, say
from embtune.cli.progress import progress_for
from embtune.errors import Problem, UsageError
from embtune.report.progress import ProgressMode

if TYPE_CHECKING:  # reading data imports numpy, which a usage error need not wait for
    from embtune.pipeline.data_report import Report

STDOUT = "-"
TargetArgument = Annotated[
    str, typer.Argument(metavar="CONFIG|DATA", help="A config (.yaml), or data; - reads JSON Lines on standard input.")
]
LossOption = Annotated[
    str | None, typer.Option("--loss", metavar="NAME", help="Judge this loss, or those of a Python file.")
]
FixOption = Annotated[
    str | None,
    typer.Option("--fix", metavar="OUT", help="Write the rows that can be used, as OUT's name says; - prints them."),
]


def command(
    target: TargetArgument,
    loss: LossOption = None,
    fix: FixOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Say what data is, which losses fit it, which do not and why, and which rows cannot be used."""
    from embtune.pipeline.check_format import Fix, check_config, check_data, is_config

    _refuse("--json and --fix - both want standard output", as_json and fix == STDOUT)
    display = progress_for(None if sys.stderr.isatty() else ProgressMode.NONE, quiet)
    if is_config(target):
        _refuse("--fix is for data, and this is a config", fix is not None)
        reports = check_config(target, overrides or (), os.environ, display, loss)
    else:
        _refuse("--set is for a config, and this is data", overrides is not None)
        out = None if fix is None else Fix(fix, sys.stdout.buffer)
        reports = [check_data(target, display, loss, sys.stdin.buffer, out)]
    _print(reports, target, as_json, quiet, verbose, tell=say if fix == STDOUT else print_data)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _refuse(message: str, is_given: bool) -> None:
    if is_given:
        raise UsageError(Problem("wrong-option", message))


def _print(
    reports: Sequence[Report], target: str, as_json: bool, quiet: bool, verbose: bool, tell: Callable[[str], None]
) -> None:
    """The findings as data, bad rows on stderr; `tell` is where text goes, which is stderr when stdout has rows."""
    from embtune.cli.format_record import report_record
    from embtune.cli.format_report import bad_rows_lines, next_line, report_lines

    if as_json:
        document = {"ok": all(report.ok for report in reports), "datasets": [report_record(r) for r in reports]}
        return print_json(document)
    width = min(120, shutil.get_terminal_size().columns)
    if not quiet:
        tell("\n\n".join("\n".join(report_lines(report, width, verbose)) for report in reports))
    for report in reports:
        for line in bad_rows_lines(report):
            say(line)
    if not quiet:
        tell(f"\nnext: {next_line(reports, target)}")
