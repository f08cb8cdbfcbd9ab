"""`embtune evaluate MODEL [CONFIG]`: the metrics of any model on a config's evaluation sets."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from embtune.cli.bf16 import settle_bf16
from embtune.cli.cache import cache_folder
from embtune.cli.imports import importing
from embtune.cli.launch import Launch, end_with_launcher
from embtune.cli.options import (
    JsonOption,
    NprocOption,
    ProgressOption,
    QuietOption,
    SetOption,
    TracebackOption,
    VerboseOption,
)
from embtune.cli.output import print_data, print_json
from embtune.cli.progress import progress_for
from embtune.report.progress import Several
from embtune.world import world_of


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model, or the directory of a run.")],
    config: Annotated[
        str | None,
        typer.Argument(metavar="[CONFIG]", help="Whose data.eval to use; by default the config of the model's run."),
    ] = None,
    overrides: SetOption = None,
    nproc: NprocOption = None,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Measure a model on the evaluation sets of a config."""
    world = world_of(os.environ)
    launch = Launch(nproc)
    launch.check(world, config or "")
    if launch.is_due(world):
        raise typer.Exit(launch.run(os.environ))
    if world.by_embtune:
        end_with_launcher(os.environ)
    display = progress_for(progress, quiet) if world.is_first else Several()
    bf16 = settle_bf16(os.environ, cache_folder(os.environ), display)

    with importing():
        from embtune.pipeline.evaluate_job import run_evaluation  # torch comes in here
        from embtune.train.processes import meet

    processes = meet(world)
    told = processes.told(bf16)
    metrics = run_evaluation(model, config, overrides or (), os.environ, display, told, processes)
    processes.close()
    if not world.is_first:
        return
    if as_json:
        print_json({"model": model, "metrics": metrics})
        return
    for name, value in metrics.items():
        print_data(f"{name}\t{value:.6f}")
