"""`embtune encode MODEL`: texts on stdin to vectors on stdout, one line each."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from embtune.cli.options import QuietOption, TracebackOption
from embtune.cli.output import print_data


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model, or the directory of a run.")],
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="NAME", help="A prompt of the model, put before each text.")
    ] = None,
    quiet: QuietOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Embed texts from standard input: one a line in, one JSON array of numbers a line out, in the same order."""
    from embtune.pipeline.encode_job import encode_lines

    for vector in encode_lines(model, prompt, sys.stdin.buffer):
        print_data(json.dumps(vector))
