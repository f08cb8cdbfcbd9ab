"""`embtune train CONFIG`: the whole job. stdout gets the path of the trained model, or with --json the result."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from embtune.cli.bf16 import settle_bf16
from embtune.cli.cache import cache_folder
from embtune.cli.imports import importing
from embtune.cli.launch import check_nproc, end_with_launcher, following_quietly, launch
from embtune.cli.options import (
    ConfigArgument,
    JsonOption,
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
    nproc: Annotated[
        int | None, typer.Option("--nproc", min=1, metavar="N", help="Train by N processes on this machine.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, plan and do two steps; write nothing.")] = False,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Fine-tune a model: check, plan, train, evaluate, save. The same command again goes on where it was stopped."""
    world = world_of(os.environ)
    check_nproc(nproc, world, config)
    loaded = load_config(config, overrides or (), os.environ)
    if nproc is not None and nproc > world.size:
        raise typer.Exit(launch(nproc, os.environ))
    if not world.is_alone:
        end_with_launcher(os.environ)
    display = progress_for(progress, quiet) if world.is_first else Several()
    cache, bf16 = cache_folder(os.environ), None
    if loaded.config.train.precision in _PERHAPS_BF16:
        bf16 = settle_bf16(os.environ, cache, display)

    with importing():
        from embtune.pipeline.train_job import TrainRequest, run_training  # torch comes in here
        from embtune.train.processes import meet

    processes = meet(world)
    request = TrainRequest(("embtune", *sys.argv[1:]), dry_run, verbose, cache, processes.told(bf16))
    with following_quietly(world):
        result = run_training(loaded, request, display, processes)
    processes.close()
    if result is None:
        return
    if as_json:
        print_json(result)
    else:
        print_data(str(result["model"]))
