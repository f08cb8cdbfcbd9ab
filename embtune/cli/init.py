"""`embtune init DATA`: look at data, and write a commented config for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embtune.cli.options import JsonOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data, print_json, say

STDOUT = "-"
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


def command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A file, pattern, folder or hub id.")],
    out: Annotated[str, typer.Option("-o", metavar="OUT", help="Where to write the config; - prints it.")] = STDOUT,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="The model to fine-tune, as model.name_or_path names it.")
    ] = DEFAULT_MODEL,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Write a commented config for data: roles, loss, lengths, batch, rows held out for evaluation."""
    from embtune.pipeline.init_job import draft_config, write_new

    path = None if out == STDOUT else Path(out)
    written = draft_config(data, model, path)
    if path is not None:
        write_new(written.text, path)
    for note in written.notes:
        say(note, quiet=quiet)
    if as_json:
        print_json({"config": written.text, "path": None if path is None else out, "notes": list(written.notes)})
    else:
        print_data(written.text.rstrip("\n") if path is None else out)
