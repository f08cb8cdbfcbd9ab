"""`embtune train CONFIG`: the whole job. stdout gets the path of the trained model, or with --json the result."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from embtune.cli.bf16 import settle_bf16
from embtune.cli.cache import cache_folder
from embtune.cli.imports import importing
from embtune.cli.launch import Launch, end_with_launcher, following_quietly
from embtune.cli.options import (
    ConfigArgument,
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
from embtune.config import load_config
from embtune.config.words import Precision
from embtune.report.progress import Several
from embtune.world import world_of

_PERHAPS_BF16 = (Precision.AUTO, Precision.BF16, Precision.BF16_WEIGHTS)


def command(
    config: ConfigArgument,
    overrides: SetOption = None,
    nproc: NprocOption = None,
    max_restarts: Annotated[
        int, typer.Option("--max-restarts", min=0, metavar="K", help="Go on K times after a process has died.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, plan and do two steps; write nothing.")] = False,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Fine-tune a model: check, plan, train, evaluate, save. The same command again goes on where it was stopped."""
    world = world_of(os.environ)
    launch = Launch(nproc, max_restarts)
    launch.check(world, config)
    loaded = load_config(config, overrides or (), os.environ)
    if launch.is_due(world):
        raise typer.Exit(launch.run(os.environ))
    if world.by_embtune:
        end_with_launcher(os.environ)
    display = progress_for(progress, quiet) if world.is_first else Several()
    cache, bf16 = cache_folder(os.environ), None
    if loaded.config.train.precision in _PERHAPS_BF16:
        bf16 = settle_bf16(os.environ, cache, display)

    with importing():
        from embtune.pipeline.train_job import TrainRequest, run_training  # torch comes in here
        from embtune.train.processes import meet

    processes = meet(world)
    request = TrainRequest(("embtune", *sys.argv[1:]), dry_run, verbose, cache, processes.told(bf16), world.restarts)
    with following_quietly(world):
        result = run_training(loaded, request, display, processes)
    processes.close()
    if result is None:
        return
    if as_json:
        print_json(result)
    else:
        print_data(str(result["model"]))
