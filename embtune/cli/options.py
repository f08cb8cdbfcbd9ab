"""The arguments and options that several commands share, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from embtune.config.tree import COMMAND_LINE
from embtune.errors import Location, Problem, UsageError
from embtune.report.progress import ProgressMode


def _pairs(overrides: list[str] | None) -> list[str] | None:
    """Refuse `--set KEY VALUE` while the command line is read: VALUE would be taken for an argument of the command."""
    wrong = [text for text in overrides or () if "=" not in text]
    if wrong:
        hint = f"write --set {wrong[0]}=VALUE, in one word"
        raise UsageError(Problem("bad-set", f"--set {wrong[0]!r} is no key=value", Location(COMMAND_LINE), hint))
    return overrides


ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG", help="The YAML file; - reads standard input.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set one value, as train.batch_size=256; null unsets. May be repeated.",
        callback=_pairs,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print data and errors only.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")]
NprocOption = Annotated[
    int | None, typer.Option("--nproc", min=1, metavar="N", help="Work by N processes on this machine.")
]
# read by `main`, which is where failures end up; declared so that commands accept and document it
TracebackOption = Annotated[bool, typer.Option("--traceback", help="Show the Python traceback of a failure.")]
ProgressOption = Annotated[
    ProgressMode | None,
    typer.Option("--progress", help="How progress is shown on standard error; auto by default, none with --quiet."),
]
