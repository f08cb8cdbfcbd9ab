"""`embtune encode MODEL`: texts on stdin to vectors on stdout, one line each."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from embtune.cli.imports import importing
from embtune.cli.options import JsonOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model, or the directory of a run.")],
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            metavar="NAME",
            help="A prompt of the model, put before each text. 'query' takes the model for queries, if any.",
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Embed texts from standard input: one a line in, one JSON array of numbers a line out, in the same order.

    The output is JSON Lines, with --json and without.
    """
    with importing():
        from embtune.pipeline.encode_job import encode_lines

    for vector in encode_lines(model, prompt, sys.stdin.buffer):
        print_data(json.dumps(vector))
