"""The `embtune` command: a table of subcommands, each in a module of its own that is imported when it is asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer

from embtune import __version__
from embtune.cli.output import print_data, run
from embtune.cli.threads import stay_within_quota, wait_asleep

# command, module; in the order in which help lists them. The function is the module's `command`.
COMMANDS = (
    ("init", "embtune.cli.init"),
    ("train", "embtune.cli.train"),
    ("check-format", "embtune.cli.check_format"),
    ("list-losses", "embtune.cli.list_losses"),
    ("convert", "embtune.cli.convert"),
    ("validate", "embtune.cli.validate"),
    ("label", "embtune.cli.label"),
    ("evaluate", "embtune.cli.evaluate"),
    ("encode", "embtune.cli.encode"),
    ("mine", "embtune.cli.mine"),
    ("schema", "embtune.cli.schema"),
)
HELP = "Fine-tune text-embedding models from one YAML file."


def _print_version(wanted: bool) -> None:
    if wanted:
        print_data(f"embtune {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


def build_app(words: list[str]) -> typer.Typer:
    """The application for a command line: the command it names, or all of them (for help, or a misspelt one)."""
    app = typer.Typer(
        name="embtune",
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: it survives an ASCII terminal, and rich need not be imported
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    named = [(name, module) for name, module in COMMANDS if words[:1] == [name]]
    for name, module in () if words == ["--version"] else named or COMMANDS:
        if find_spec(module):
            app.command(name)(import_module(module).command)
    return app


def main() -> None:
    """Run the command line of this process and exit with its code."""
    wait_asleep(os.environ)
    stay_within_quota(os.environ)
    words = sys.argv[1:]
    sys.exit(run(lambda: build_app(words)(words, prog_name="embtune"), show_traceback="--traceback" in words))
