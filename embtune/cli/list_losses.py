"""`embtune list-losses [NAME]`: the catalogue as a table, or one loss's page."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from embtune.catalog import LossSpec, installed
from embtune.catalog.listing import (
    ListRow,
    asked_label,
    asked_roles,
    asked_specs,
    asked_words,
    rows_of,
    specs_taking,
)
from embtune.catalog.page import page
from embtune.catalog.plugins import is_plugin
from embtune.catalog.record import as_record
from embtune.cli.options import JsonOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data, print_json, say
from embtune.errors import Problem, UsageError

NameArgument = Annotated[
    str | None,
    typer.Argument(help="A loss or modifier: show its whole page. A Python file or module: list its losses."),
]
InputsOption = Annotated[
    str | None, typer.Option("--inputs", metavar="ROLE,...", help="Only losses that take exactly these roles.")
]
LabelsOption = Annotated[
    str | None, typer.Option("--labels", metavar="KIND", help="Only losses with this label: none, class, binary ...")
]
WIDE = 111  # columns of a terminal that has room for coupling and needs
_HEADINGS = ("name", "recommended", "inputs", "label", "coupling", "needs")


def command(
    name: NameArgument = None,
    inputs: InputsOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """List the losses and modifiers, or show the page of one. --quiet prints names only, --verbose all pages."""
    roles, label = asked_roles(inputs), asked_label(labels)
    own = None if name is None else asked_specs(name, Path(), installed())
    if name is not None and own is not None and not is_plugin(name):
        if inputs or labels:
            raise UsageError(Problem("wrong-option", "--inputs and --labels filter the list; a page has no filter"))
        (spec,) = own
        return print_json(as_record(spec)) if as_json else print_data(spec.name if quiet else _page(spec))
    specs = specs_taking(roles, label, own)
    if as_json:
        print_json([as_record(spec) for spec in specs])
    elif not specs:
        say(f"no loss takes {asked_words(roles, label)}")
    elif quiet:
        print_data("\n".join(spec.name for spec in specs))
    elif verbose:
        print_data("\n\n\n".join(_page(spec, plugin=name) for spec in specs))
    else:
        _print_rows([rows_of(spec, roles, label) for spec in specs])


def _page(spec: LossSpec, plugin: str | None = None) -> str:
    return page(spec, min(100, shutil.get_terminal_size().columns), plugin)


def _print_rows(groups: Sequence[Sequence[ListRow]]) -> None:
    """A table on a terminal; elsewhere one tab-separated line for each loss and format, under a line of headings."""
    if sys.stdout.isatty():
        return _print_table(groups)
    lines = [_cells(row) for rows in groups for row in rows]
    print_data("\n".join("\t".join(line) for line in [_HEADINGS, *lines]))


def _cells(row: ListRow) -> tuple[str, ...]:
    return (row.name, "yes" if row.recommended else "no", row.inputs, row.label, row.coupling, ", ".join(row.needs))


def _print_table(groups: Sequence[Sequence[ListRow]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    width = 6 if console.width >= WIDE else 3
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("loss", no_wrap=True)
    for heading in ("inputs", "label", "coupling", "needs")[: width - 1]:
        table.add_column(heading, no_wrap=width > 3)
    for rows in groups:
        for line in _lines(rows, with_needs=width > 3):
            table.add_row(*line[:width])
    console.print(table)
    say("* recommended. embtune list-losses NAME shows everything about one.")


def _lines(rows: Sequence[ListRow], with_needs: bool) -> list[tuple[str, ...]]:
    """A loss's lines of the table: formats and needs one under the other, the rest on the first line only."""
    first = rows[0]
    needs = first.needs if with_needs else ()
    marked = f"{first.name} *" if first.recommended else first.name
    return [
        (marked if not line else "", texts, label, first.coupling if not line else "", need)
        for line, (texts, label, need) in enumerate(
            zip_longest((row.inputs for row in rows), (row.label for row in rows), needs, fillvalue="")
        )
    ]
