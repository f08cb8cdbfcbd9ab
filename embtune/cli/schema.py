"""`embtune schema`: the JSON Schema of the config, for editors."""

from __future__ import annotations

from embtune.cli.options import JsonOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_json
from embtune.config import json_schema


def command(
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Print the JSON Schema of the config. It is JSON with or without --json."""
    print_json(json_schema())
