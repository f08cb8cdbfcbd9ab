"""`embtune evaluate`: any model against a config's evaluation sets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from embtune.config import LoadedConfig, load_config
from embtune.errors import ConfigError, UsageError
from embtune.evaluate.class_pairs import PairClassifier
from embtune.evaluate.saved_classifiers import load_classifiers
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.packing import pack_if_alike
from embtune.model.scratch_spec import SCRATCH
from embtune.model.source import find_folder
from embtune.pipeline.datasets import load_eval_sets, load_held_out
from embtune.pipeline.evaluation import Evaluation, build_evaluation, measure
from embtune.pipeline.following import made_by_all
from embtune.report.progress import Progress
from embtune.report.run_directory import RunDirectory
from embtune.train.budget import micro_batch_tokens
from embtune.train.precision import MixedPrecision, decide_device, decide_precision
from embtune.train.processes import Alone, Processes
from embtune.world import World

_WITH_CONFIG = "Name a config that has sets under data.eval: embtune evaluate"


@dataclass(frozen=True)
class _Prepared:
    """All that an evaluation takes."""

    model: TextEmbedder
    evaluation: Evaluation
    precision: MixedPrecision


def run_evaluation(
    model: str,
    config: str | None,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    progress: Progress,
    bf16_speedup: float | None = None,
    processes: Processes | None = None,
) -> dict[str, float]:
    """Flat metrics of a model.

    Args:
        model: anything `model.name_or_path` can be, or the directory of a run.
        config: a path, or None for the config of the run that made the model.
        bf16_speedup: of this CPU over float32; None where that was not measured.
        processes: that embed the texts together, each of which calls this; None is this one alone.

    Returns:
        The same in every process, but nothing in those that come after one that could not begin.

    Raises:
        EmbtuneError: the model, the config or the data cannot be used, or there is nothing to evaluate on.
    """
    processes = processes or Alone()
    prepare = partial(_prepare, model, config, overrides, environ, progress, bf16_speedup, processes.world)
    prepared = made_by_all(prepare, processes)
    if prepared is None:
        return {}
    budget = micro_batch_tokens(prepared.precision.device)
    return measure(
        prepared.model, prepared.evaluation, prepared.precision, budget, progress, lambda: None, processes
    ).metrics


def _prepare(
    model: str,
    config: str | None,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    progress: Progress,
    bf16_speedup: float | None,
    world: World,
) -> _Prepared:
    loaded = load_config(config or _config_of(model), overrides, environ)
    if not (loaded.config.data.eval or any(each.hold_out for each in loaded.config.data.train)):
        raise _nothing_to_evaluate(loaded, model, is_of_run=config is None)
    name = model_folder(model)
    classifiers = _classifiers(name, loaded)
    head_classes = [each.classes for each in classifiers]
    sets = (*load_eval_sets(loaded, head_classes), *load_held_out(loaded, head_classes))
    device = decide_device(world)
    with progress.stage("loading the model"):
        embedder = _load(name, loaded).to(device)
        pack_if_alike(embedder)
    precision = MixedPrecision(decide_precision(loaded.config.train.precision, device, bf16_speedup), device)
    return _Prepared(embedder, build_evaluation(loaded, sets, embedder, classifiers), precision)


def _nothing_to_evaluate(loaded: LoadedConfig, model: str, is_of_run: bool) -> ConfigError:
    message, hint = "data.eval names no set to evaluate on", "Write data.eval, such as eval: [{path: dev.jsonl}]."
    if is_of_run:
        message, hint = f"the model was trained without an evaluation set: {message}", f"{_WITH_CONFIG} {model} CONFIG"
    return ConfigError(loaded.problem(("data", "eval"), "nothing-to-evaluate", message, hint))


def _classifiers(name: str, loaded: LoadedConfig) -> tuple[PairClassifier, ...]:
    """The heads beside a model; a model from scratch has none."""
    if name.startswith(SCRATCH):
        return ()
    return load_classifiers(find_folder(name, None, loaded.config.model.trust_remote_code))


def _load(name: str, loaded: LoadedConfig) -> TextEmbedder:
    """The model as its folder says, its texts written and cut as the config says, so that scores can be compared."""
    config = loaded.config.model
    length = config.max_seq_length
    return load_model(
        name,
        prompts=config.prompts,
        max_seq_length=length if isinstance(length, int) else None,
        trust_remote_code=config.trust_remote_code,
    )


def model_folder(model: str) -> str:
    """The model of a run where a run's directory is named, else what was named, be it too long for any path."""
    inside = RunDirectory(Path(model)).model
    return str(inside) if os.path.isdir(inside) else model


def _config_of(model: str) -> str:
    """The config beside the model of a run."""
    for folder in (Path(model), Path(model).parent):
        found = RunDirectory(folder).resolved_config
        if os.path.isfile(found):
            return str(found)
    raise UsageError.of(
        "no-config",
        f"{model} is not of a run of embtune, so there is no config that says what to evaluate on",
        f"{_WITH_CONFIG} {model} CONFIG",
    )
