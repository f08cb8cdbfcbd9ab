"""`embtune convert DATA --to FORMAT -o OUT`: data of one format as data of another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from embtune.cli.options import JsonOption, QuietOption, SetOption, TracebackOption, VerboseOption
from embtune.cli.output import print_json, say
from embtune.errors import Problem, UsageError

if TYPE_CHECKING:  # reading data imports numpy, which a usage error need not wait for
    from embtune.data.converting import Converted

STDOUT = "-"
DEFAULT_SEED = 42  # as that of a config


def command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="The data; - reads JSON Lines on standard input.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORMAT", help="pairs, triplets, n-tuples, list, binary or damaged."),
    ],
    out: Annotated[
        str,
        typer.Option("-o", "--output", metavar="OUT", help="A .jsonl, .csv, .tsv or .parquet file; - prints the rows."),
    ],
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**32 - 1, help="Decides what is drawn at random.")
    ] = DEFAULT_SEED,
    overrides: SetOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Make one format into another: pairs of texts with a class, triplets of labelled pairs, and so on.

    --set takes the keys of `convert:` in a config (threshold, positives, negatives, ratio), and `columns`.
    """
    from embtune.config.dataset_options import dataset_from_options
    from embtune.pipeline.convert_job import convert_data

    if as_json and out == STDOUT:
        raise UsageError(Problem("wrong-option", "--json and -o - both want standard output"))
    dataset = dataset_from_options(data, to, overrides or ())
    done = convert_data(dataset, seed, out, sys.stdin.buffer, sys.stdout.buffer)
    for line in _lines(done, verbose):
        say(line, quiet=quiet)
    if as_json:
        print_json({"output": out, **done.record()})


def _lines(done: Converted, verbose: bool) -> list[str]:
    """How the data was read, what was done, what it counted, and what a person should know of it."""
    reading = done.plan.layout.reasons if verbose and done.plan.layout else ()
    return [*reading, str(done.plan), *done.tally.notes, done.sentence]
