"""One training run, made ready: everything read, checked, decided and built, and nothing on disk touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from embtune.config import LoadedConfig
from embtune.data.samplers import SamplerKind, plan_epoch
from embtune.data.token_cache import TokenCache
from embtune.errors import ConfigError
from embtune.model.embedder import TextEmbedder
from embtune.model.lanes import lane_count
from embtune.model.packing import pack_if_alike
from embtune.pipeline.classifiers import trained_classifiers
from embtune.pipeline.computing import Computing, prepare_computing, tokens_of_run
from embtune.pipeline.datasets import EvalSet, TrainSet, load_sets
from embtune.pipeline.evaluation import Evaluation, best_metric, build_evaluation, check_evaluation
from embtune.pipeline.filling import Filling
from embtune.pipeline.frozen import FrozenTowers, embed_frozen, stand_in
from embtune.pipeline.frozen_models import FrozenModels, read_frozen
from embtune.pipeline.layers import check_layers
from embtune.pipeline.models import load_config_model
from embtune.pipeline.parallel import decide_parallel
from embtune.pipeline.settings import Settings, decide_settings
from embtune.pipeline.tasks import build_tasks, build_towers, check_tasks
from embtune.report.progress import Progress
from embtune.train.batches import BatchSchedule, EndlessError
from embtune.train.budget import decide_budget
from embtune.train.learning_rate import LearningRate, warmup_steps
from embtune.train.loop import Training
from embtune.train.optimizer import Trainables, build_adamw
from embtune.train.precision import MixedPrecision
from embtune.train.processes import Alone, Processes
from embtune.train.seeds import mix
from embtune.train.task import Task
from embtune.world import ALONE, World


@dataclass(frozen=True)
class Inputs:
    """What was read from files before the model's weights."""

    train_sets: tuple[TrainSet, ...]
    eval_sets: tuple[EvalSet, ...]
    settings: Settings


@dataclass(frozen=True)
class Job:
    """A run that could start now.

    model: an ordinary one. Where its weights are spread over processes it has those of now only while
        `Training.shards` gathers them. saved: all that is trained, of that model.
    """

    loaded: LoadedConfig
    inputs: Inputs
    model: TextEmbedder
    training: Training
    evaluation: Evaluation
    best_metric: str | None
    frozen: FrozenTowers
    tokens: TokenCache
    filling: Filling
    cache: Path | None
    computing: Computing
    saved: Trainables


def read_inputs(
    loaded: LoadedConfig, progress: Progress, bf16_speedup: float | None = None, world: World = ALONE
) -> Inputs:
    """Read and check all data of a config.

    Args:
        bf16_speedup, world: as `decide_settings` takes it.

    Raises:
        ConfigError, DataError: everything that is wrong with it.
    """
    with progress.stage("reading data"):
        train_sets, eval_sets = load_sets(loaded)
    check_evaluation(loaded, eval_sets)
    return Inputs(train_sets, eval_sets, decide_settings(loaded, train_sets, bf16_speedup, world))


def prepare(
    loaded: LoadedConfig,
    progress: Progress,
    cache: Path | None = None,
    *,
    embed: bool = True,
    bf16_speedup: float | None = None,
    processes: Processes | None = None,
) -> Job:
    """Everything up to the first step.

    Args:
        loaded: the config.
        progress: told what is done.
        cache: where vectors of frozen models, tokens and first scores are kept between runs; None keeps none.
        embed: False has random vectors stand in for those of frozen models, which are then not asked.
        bf16_speedup: as `decide_settings` takes it.
        processes: that do the run together, each with a job of its own; None is this one alone.

    Raises:
        ConfigError, DataError, ModelError: the run cannot be what the config asks for.
    """
    processes = processes or Alone()
    inputs = read_inputs(loaded, progress, bf16_speedup, processes.world)
    asked = read_frozen(loaded, inputs.train_sets, progress)
    if asked.models:
        _check_ahead(loaded, inputs, asked, progress)
    frozen = embed_frozen(loaded, asked, inputs.settings, progress, cache) if embed else stand_in(asked)
    torch.manual_seed(mix(loaded.config.seed, "weights"))  # of heads, of a model from scratch, of a new dense layer
    with progress.stage("loading the model"):
        model = load_config_model(loaded, inputs.train_sets).to(inputs.settings.device)
        pack_if_alike(model)
    check_layers(loaded, model)
    tokens = TokenCache(cache)
    tasks = build_tasks(loaded, inputs.train_sets, model, frozen, progress, tokens)
    classifiers = trained_classifiers(inputs.train_sets, tasks)
    evaluation = build_evaluation(loaded, inputs.eval_sets, model, classifiers)
    metric = best_metric(loaded, evaluation.evaluators, evaluation.dims)
    schedule = _schedule(loaded, inputs, tasks)
    towers = build_towers(model, tasks)
    length = tokens_of_run(inputs.train_sets, schedule.total_steps * loaded.config.train.batch_size)
    objectives = list(dict.fromkeys(task.objective for task in tasks))
    sharded = decide_parallel(loaded, inputs.settings, towers, objectives, processes.world)
    computing = prepare_computing(loaded.config.train, inputs.settings, towers, length, sharded, processes.world)
    training = _training(
        loaded, inputs, schedule, Trainables(computing.trained, objectives), computing, tasks, processes
    )
    return Job(
        loaded, inputs, model, training, evaluation, metric, frozen, tokens, Filling(tasks), cache, computing,
        Trainables(towers, objectives),
    )  # fmt: skip


def _check_ahead(loaded: LoadedConfig, inputs: Inputs, asked: FrozenModels, progress: Progress) -> None:
    """Hold the losses against the model, which is read for it and let go of, before much is embedded for them."""
    with progress.stage("checking the losses against the model"):
        model = load_config_model(loaded, inputs.train_sets)
        check_layers(loaded, model)
        check_tasks(loaded, inputs.train_sets, model, asked)


def _training(
    loaded: LoadedConfig,
    inputs: Inputs,
    schedule: BatchSchedule,
    trainables: Trainables,
    computing: Computing,
    tasks: Sequence[Task],
    processes: Processes,
) -> Training:
    train, settings = loaded.config.train, inputs.settings
    towers = computing.towers.values()
    deepest = max(tower.depth for tower in towers)
    widest = max(tower.encoder.width for tower in towers)  # not the embeddings': a dense layer may narrow them
    sharers = processes.world.local_size
    one_by_one = computing.half is not None or computing.shards is not None
    side_by_side = 1 if one_by_one else min(lane_count(tower, settings.device) for tower in towers)
    micro = None if train.micro_batch_tokens == "auto" else train.micro_batch_tokens
    return Training(
        tasks=tasks,
        towers=computing.towers,
        trainables=trainables,
        optimizer=build_adamw(trainables, train.learning_rate, train.weight_decay, train.head_learning_rate),
        schedule=schedule,
        learning_rate=LearningRate(
            train.lr_scheduler_type, train.learning_rate, _warmup(loaded, schedule.total_steps), schedule.total_steps
        ),
        precision=MixedPrecision(computing.precision, settings.device),
        budget=decide_budget(settings.device, deepest, widest, micro, settings.gradient_cache, sharers, side_by_side),
        max_grad_norm=train.max_grad_norm or 0.0,
        on_non_finite=train.on_non_finite,
        seed=loaded.config.seed,
        half=computing.half,
        processes=processes,
        shards=computing.shards,
    )


def _schedule(loaded: LoadedConfig, inputs: Inputs, tasks: Sequence[Task]) -> BatchSchedule:
    train = loaded.config.train
    datasets = [each.examples for each in inputs.train_sets]
    settings, strategy = inputs.settings, loaded.config.data.mixture.strategy
    kinds = [SamplerKind(sampler) for sampler in settings.samplers]
    sizes = [
        task.maker.texts_for(size) if task.maker else size
        for task, size in zip(tasks, settings.batch_sizes, strict=True)
    ]
    try:
        return BatchSchedule(
            lambda epoch: plan_epoch(datasets, kinds, sizes, loaded.config.seed, epoch, settings.passes, strategy),
            train.num_train_epochs or 1.0,
            train.max_steps,
        )
    except EndlessError as error:
        hint = "write fewer steps, or train on more data"
        raise ConfigError(loaded.problem(("train", "max_steps"), "endless", str(error), hint)) from error
    except ValueError as error:
        raise ConfigError(loaded.problem(("train", "batch_sampler"), "no-batches", str(error))) from error


def _warmup(loaded: LoadedConfig, total_steps: int) -> int:
    train = loaded.config.train
    return (
        train.warmup_steps if train.warmup_steps is not None else warmup_steps(total_steps, train.warmup_ratio or 0.0)
    )
