"""What is trained on what: for each training set its objective, its tokenised rows, and how they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from embtune.catalog.spec import LabelKind
from embtune.config import LoadedConfig
from embtune.data.examples import Examples
from embtune.data.token_cache import TokenCache
from embtune.losses.objective import TWIN_TOWER, BuildContext, Objective
from embtune.model.embedder import TextEmbedder
from embtune.modifiers.build import Blame, Part, build_objective
from embtune.pipeline.collecting import Key, located
from embtune.pipeline.datasets import TrainSet, classes_of
from embtune.pipeline.decoders import Decoders
from embtune.pipeline.filling import tell_cache_notes
from embtune.pipeline.frozen import FrozenTowers
from embtune.pipeline.frozen_models import FrozenModels
from embtune.pipeline.making import row_maker
from embtune.pipeline.texts import role_texts
from embtune.pipeline.towers import check_queries, embedders
from embtune.report.progress import Progress
from embtune.train.task import Task
from embtune.train.tokenise import TextReader, tokenise


def build_tasks(
    loaded: LoadedConfig,
    train_sets: Sequence[TrainSet],
    model: TextEmbedder,
    frozen: FrozenTowers,
    progress: Progress,
    tokens: TokenCache,
) -> list[Task]:
    """One task a training set. Sets that share a loss share its heads, unless their classes or label widths differ.

    Args:
        tokens: where the texts' tokens are kept between runs.

    Raises:
        ConfigError: a loss or modifier cannot be built for this model and data, or a model for queries finds none.
        ModelError: a frozen model, such as a teacher, cannot be had.
    """
    check_queries(loaded, model, train_sets)
    decoders = Decoders(model)
    objectives = _objectives(loaded, train_sets, model, decoders, frozen.asked)
    readers = {**embedders(model), TWIN_TOWER: model, **decoders.readers}
    tasks = []
    for each, objective in zip(train_sets, objectives, strict=True):
        task = _task(loaded, each, objective, readers, model, progress, tokens)
        tasks.append(replace(task, rows=replace(task.rows, frozen=frozen.columns(each.examples))))
    return tasks


def check_tasks(
    loaded: LoadedConfig, train_sets: Sequence[TrainSet], model: TextEmbedder, frozen: FrozenModels
) -> None:
    """Whether `build_tasks` will find losses, modifiers, prompts and lengths that go with the model; keeps nothing.

    Raises:
        ConfigError: they do not.
    """
    check_queries(loaded, model, train_sets)
    _objectives(loaded, train_sets, model, Decoders(model), frozen)
    for each in train_sets:
        texts = role_texts(loaded, model, each.config)
        row_maker(loaded, each, model, texts.of(each.examples.roles[0]))


def build_towers(model: TextEmbedder, tasks: Sequence[Task]) -> dict[str, TextEmbedder]:
    """Everything that embeds: the model, the one for queries, and the model's twin where an objective has one."""
    wanted = {view.tower for task in tasks for view in task.rows.columns}
    return embedders(model) | ({TWIN_TOWER: model.twin()} if TWIN_TOWER in wanted else {})


def _objectives(
    loaded: LoadedConfig, train_sets: Sequence[TrainSet], model: TextEmbedder, decoders: Decoders, frozen: FrozenModels
) -> list[Objective]:
    """One for each training set, shared where `build_tasks` says so."""
    built: dict[tuple[int, tuple[str, ...], int | None], Objective] = {}
    objectives = []
    for number, each in enumerate(train_sets):
        key = (id(each.losses), each.examples.class_names, _label_width(each.examples))
        if key not in built:
            blame = partial(_located, loaded, each, number)
            built[key] = _objective(loaded, each, model, decoders, frozen, blame).to(model.device)
        objectives.append(built[key])
    return objectives


def _located(loaded: LoadedConfig, data: TrainSet, number: int, part: Part, place: int) -> AbstractContextManager[None]:
    """What is wrong with a loss or modifier has the place at which the config names it."""
    own: Key = ("data", "train", number, "loss") if data.config.loss else ("loss", place)
    return located(loaded, own if part is Part.LOSS else ("modifiers", place))


def _label_width(examples: Examples) -> int | None:
    """How wide teacher embeddings are; None where the label is none."""
    if examples.labels is None or examples.label_kind is not LabelKind.VECTOR:
        return None
    return int(examples.labels.shape[-1])


def _objective(
    loaded: LoadedConfig,
    data: TrainSet,
    model: TextEmbedder,
    decoders: Decoders,
    frozen: FrozenModels,
    blame: Blame,
) -> Objective:
    losses = [(loss.spec, loss.parameters, loss.weight) for loss in data.losses]
    modifiers = [(modifier.spec, modifier.parameters) for modifier in loaded.config.modifiers]
    classes = len(classes_of(data.examples)) or None
    width = _label_width(data.examples)
    context = BuildContext(
        model.embedding_dim, model.depth, classes, width, decoder=decoders.build, frozen_width=frozen.width
    )
    return build_objective(losses, modifiers, context, blame)


def _task(
    loaded: LoadedConfig,
    data: TrainSet,
    objective: Objective,
    readers: Mapping[str, TextReader],
    model: TextEmbedder,
    progress: Progress,
    tokens: TokenCache,
) -> Task:
    texts = role_texts(loaded, model, data.config)
    request = objective.request(data.examples.roles)
    with progress.stage(f"tokenising {data.config.name}", len(data.examples.texts)) as advance:
        rows = tokenise(data.examples, request, readers, texts.of, advance, tokens)
    tell_cache_notes(tokens, progress)
    maker = row_maker(loaded, data, model, texts.of(data.examples.roles[0]))
    return Task(rows, objective, request.every_layer, maker)
