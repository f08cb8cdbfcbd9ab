"""`embtune label DATA --model TEACHER --for LOSS -o OUT`: a teacher's values for the losses of distillation."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from embtune.cli.imports import importing
from embtune.cli.mappings import ColumnsOption, PromptsOption, columns_of, prompts_of
from embtune.cli.options import JsonOption, ProgressOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data, print_json, say
from embtune.cli.progress import progress_for
from embtune.errors import Problem, UsageError

STDOUT = "-"
DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="Rows of texts; - reads JSON Lines on standard input.")
]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="TEACHER", help="A model, a run's directory, or a cross-encoder.")
]
LossOption = Annotated[str, typer.Option("--for", metavar="LOSS", help="The loss that will read the labels.")]
OutOption = Annotated[
    str,
    typer.Option("--output", "-o", metavar="OUT", help="A file, or a folder of parts; - prints JSON Lines."),
]


def command(
    data: DataArgument,
    model: ModelOption,
    loss: LossOption,
    output: OutOption,
    columns: ColumnsOption = None,
    prompts: PromptsOption = None,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Label rows with a teacher's embeddings, margins or scores. The same command again goes on where it was ended."""
    if as_json and output == STDOUT:
        raise UsageError(Problem("wrong-option", "--json and -o - both want standard output"))
    declared, read_before = columns_of(columns), prompts_of(prompts)
    display = progress_for(progress, quiet)
    with importing():
        from embtune.pipeline.label_job import LabelOrder, run_labelling

    order = LabelOrder(data, model, loss, output, declared, read_before)
    report = run_labelling(order, display, sys.stdin.buffer, sys.stdout.buffer)
    say(report.summary(), quiet=quiet)
    if as_json:
        print_json({"output": output, **report.record()})
    elif output != STDOUT:
        print_data(output)
