"""`embtune validate CONFIG`: the config alone, without the data and without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from embtune.cli.options import ConfigArgument, JsonOption, QuietOption, SetOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data, print_json, say
from embtune.config import LoadedConfig, load_config
from embtune.config.advice import advice
from embtune.config.scalars import write_yaml
from embtune.errors import Problem

NOT_CHECKED = ("the data", "the losses against the data", "the model")
_CHECKED_BY = "embtune check-format CONFIG reads the data, embtune train CONFIG --dry-run all of it"


def command(
    config: ConfigArgument,
    overrides: SetOption = None,
    show_origins: Annotated[
        bool, typer.Option("--show-origins", help="Print each value and where it came from.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Check a config alone: every mistake at once, located, with its remedy. Neither data nor models are read."""
    loaded = load_config(config, overrides or (), os.environ)
    warnings = advice(loaded)
    for problem in warnings:
        say(problem.render("warning"))
    if as_json:
        print_json(_document(loaded, warnings, show_origins))
    elif show_origins:
        _print_origins(loaded)
    elif verbose:
        print_data(loaded.resolved_yaml().rstrip())
    say(f"{loaded.path}: valid\nnot checked: {', '.join(NOT_CHECKED)}; {_CHECKED_BY}", quiet=quiet)


def _document(loaded: LoadedConfig, warnings: Sequence[Problem], show_origins: bool) -> dict[str, object]:
    document: dict[str, object] = {"path": loaded.path, "valid": True, "not_checked": list(NOT_CHECKED)}
    document["warnings"] = [{"code": each.code, "message": each.message, "hint": each.hint} for each in warnings]
    document["config"] = loaded.resolved()
    if show_origins:
        origins = ({"key": key, "value": value, "origin": origin} for key, value, origin in loaded.origins())
        document["origins"] = list(origins)
    return document


def _print_origins(loaded: LoadedConfig) -> None:
    rows = [(f"{key}: {write_yaml(value, flow=True)}", origin) for key, value, origin in loaded.origins()]
    width = min(60, max(len(text) for text, _ in rows))
    for text, origin in rows:
        print_data(f"{text:<{width}}  # {origin}")
