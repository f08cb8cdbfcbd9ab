"""`embtune schema`: the JSON Schema of the config, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embtune.catalog import installed
from embtune.catalog.plugins import load_plugin
from embtune.cli.options import JsonOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_json
from embtune.config import json_schema


def command(
    plugin: Annotated[
        str | None, typer.Argument(metavar="[PLUGIN]", help="A Python file or module whose losses it is to know, too.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Print the JSON Schema of the config. It is JSON with or without --json."""
    own = load_plugin(plugin, Path()).specs if plugin else ()
    print_json(json_schema(installed().joined(own)))
