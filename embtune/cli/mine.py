"""`embtune mine DATA --model MODEL -o OUT`: hard negatives for anchors and their positives."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from embtune.catalog.choices import MinedFormat, Sampling
from embtune.cli.cache import cache_folder
from embtune.cli.imports import importing
from embtune.cli.options import JsonOption, ProgressOption, QuietOption, TracebackOption, VerboseOption
from embtune.cli.output import print_data, print_json, say
from embtune.cli.progress import progress_for
from embtune.cli.ranges import check_finite, parse_range, parse_ranks, refuse_option
from embtune.errors import Problem, UsageError

STDOUT = "-"
_LAST_RANK = 10_000  # each anchor takes room for as many
DataArgument = Annotated[
    str,
    typer.Argument(metavar="DATA", help="Anchors with positives, or a BEIR folder; - reads JSON Lines."),
]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="Finds them: a model, or a run's directory.")
]
OutOption = Annotated[str, typer.Option("--output", "-o", metavar="OUT", help="A file; - prints JSON Lines.")]
CorpusOption = Annotated[
    str | None,
    typer.Option("--corpus", metavar="PATH", help="Where negatives come from; by default the positives of DATA."),
]
NegativesOption = Annotated[int, typer.Option("--negatives", min=1, help="Negatives for each anchor.")]
RanksOption = Annotated[
    str, typer.Option("--ranks", metavar="A:B", help="Ranks that serve, from 1, known positives not counted.")
]
ScoresOption = Annotated[str, typer.Option("--scores", metavar="LO:HI", help="Scores that serve, such as :0.9.")]
MarginOption = Annotated[
    float | None, typer.Option("--margin", help="Points that a negative stays below the positive.")
]
RelativeOption = Annotated[
    float | None,
    typer.Option("--relative-margin", help="The same as a share of the positive's score: 0.05 is 5 % below."),
]


def command(
    data: DataArgument,
    model: ModelOption,
    output: OutOption,
    corpus: CorpusOption = None,
    to: Annotated[MinedFormat, typer.Option("--to", help="What a row of OUT holds.")] = MinedFormat.TRIPLETS,
    negatives: NegativesOption = 1,
    ranks: RanksOption = "1:100",
    scores: ScoresOption = ":",
    margin: MarginOption = None,
    relative_margin: RelativeOption = None,
    sampling: Annotated[
        Sampling, typer.Option("--sampling", help="The nearest that serve, or any of them.")
    ] = Sampling.TOP,
    rescore: Annotated[
        str | None, typer.Option("--rescore", metavar="MODEL", help="A cross-encoder whose scores then count.")
    ] = None,
    with_scores: Annotated[bool, typer.Option("--with-scores", help="Write scores too, for distillation.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of random sampling.")] = 42,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Mine hard negatives: texts that a model finds near an anchor and that are none of its positives."""
    if as_json and output == STDOUT:
        raise UsageError(Problem("wrong-option", "--json and -o - both want standard output"))
    first, last = parse_ranks("--ranks", ranks, _LAST_RANK)
    floor, ceiling = parse_range("--scores", scores)
    check_finite("--margin", margin)
    check_finite("--relative-margin", relative_margin)
    if negatives > last - first + 1:
        refuse_option("--ranks", f"{ranks!r} leaves room for {last - first + 1} of {negatives} negatives")
    with importing():
        from embtune.data.hard_negatives import NegativeRules
        from embtune.pipeline.mine_job import MineOrder, run_mining

    rules = NegativeRules(negatives, first, last, floor, ceiling, margin, relative_margin, sampling, seed)
    order = MineOrder(data, model, output, corpus, rules, to, rescore, with_scores)
    display = progress_for(progress, quiet)
    report = run_mining(order, cache_folder(os.environ), display, sys.stdin.buffer, sys.stdout.buffer)
    say(report.summary(), quiet=quiet)
    if report.shortage():
        say(f"warning: {report.shortage()}")
    if as_json:
        print_json({"output": output, **report.record()})
    elif output != STDOUT:
        print_data(output)
