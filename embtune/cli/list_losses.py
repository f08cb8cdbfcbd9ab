"""`embtune list-losses [NAME]`: the catalogue as a table, or one loss's page."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated

import typer

from embtune.catalog import LossSpec, find_spec
from embtune.catalog.listing import ListRow, asked_label, asked_roles, asked_words, rows_of, specs_taking
from embtune.catalog.page import page
from embtune.catalog.record import as_record

WIDE = 111  # columns of a terminal that has room for coupling and needs
_HEADINGS = ("name", "recommended", "inputs", "label", "coupling", "needs")


def list_losses(
    name: Annotated[str | None, typer.Argument(help="A loss or modifier: show its whole page.")] = None,
    inputs: Annotated[
        str | None, typer.Option("--inputs", help="Only losses that take exactly these roles: anchor,positive.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Only losses with this label: none, class, binary, score ...")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Names only, one a line.")] = False,
) -> None:
    """List the losses and modifiers, or show the page of one."""
    if name is not None:
        return _show(find_spec(name), as_json, quiet)
    roles, label = asked_roles(inputs), asked_label(labels)
    specs = specs_taking(roles, label)
    if as_json:
        return _print_json([as_record(spec) for spec in specs])
    if quiet:
        return typer.echo("\n".join(spec.name for spec in specs), nl=bool(specs))
    if not specs:
        return typer.echo(f"no loss takes {asked_words(roles, label)}", err=True)
    _print_rows([rows_of(spec, roles, label) for spec in specs])


def _show(spec: LossSpec, as_json: bool, quiet: bool) -> None:
    if as_json:
        return _print_json(as_record(spec))
    typer.echo(spec.name if quiet else page(spec, min(100, shutil.get_terminal_size().columns)))


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _print_rows(groups: Sequence[Sequence[ListRow]]) -> None:
    """A table on a terminal; elsewhere one tab-separated line for each loss and format, under a line of headings."""
    if sys.stdout.isatty():
        return _print_table(groups)
    lines = [_cells(row) for rows in groups for row in rows]
    typer.echo("\n".join("\t".join(line) for line in [_HEADINGS, *lines]))


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
        for line in _lines(rows):
            table.add_row(*line[:width])
    console.print(table)
    typer.echo("* recommended. embtune list-losses NAME shows everything about one.", err=True)


def _lines(rows: Sequence[ListRow]) -> list[tuple[str, ...]]:
    """A loss's lines of the table: formats and needs one under the other, the rest on the first line only."""
    first = rows[0]
    marked = f"{first.name} *" if first.recommended else first.name
    return [
        (marked if not line else "", texts, label, first.coupling if not line else "", need)
        for line, (texts, label, need) in enumerate(
            zip_longest((row.inputs for row in rows), (row.label for row in rows), first.needs, fillvalue="")
        )
    ]
