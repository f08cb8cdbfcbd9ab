"""The arguments and options that several commands share, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from embtune.report.progress import ProgressMode

ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG", help="The YAML file; - reads standard input.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set one value, as train.batch_size=256; null unsets. May be repeated."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print data and errors only.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")]
# read by `main`, which is where failures end up; declared so that commands accept and document it
TracebackOption = Annotated[bool, typer.Option("--traceback", help="Show the Python traceback of a failure.")]
ProgressOption = Annotated[
    ProgressMode | None,
    typer.Option("--progress", help="How progress is shown on standard error; auto by default, none with --quiet."),
]
