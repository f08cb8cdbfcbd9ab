"""What is trained on what: for each training set its objective, its tokenised rows, and how they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from embtune.catalog.spec import LabelKind
from embtune.config import LoadedConfig
from embtune.data.examples import Examples
from embtune.losses.objective import TWIN_TOWER, BuildContext, Objective
from embtune.model.embedder import TextEmbedder
from embtune.modifiers.build import build_objective
from embtune.pipeline.collecting import Key, located
from embtune.pipeline.datasets import TrainSet
from embtune.pipeline.decoders import Decoders
from embtune.pipeline.frozen import FrozenTowers
from embtune.pipeline.making import row_maker
from embtune.pipeline.texts import role_texts
from embtune.pipeline.towers import check_queries, embedders
from embtune.report.progress import Progress
from embtune.train.loop import Task
from embtune.train.tokenise import TextReader, tokenise


def build_tasks(
    loaded: LoadedConfig, train_sets: Sequence[TrainSet], model: TextEmbedder, frozen: FrozenTowers, progress: Progress
) -> list[Task]:
    """One task a training set. Sets that share a loss share its heads, unless their classes or label widths differ.

    Raises:
        ConfigError: a loss or modifier cannot be built for this model and data, or a model for queries finds none.
        ModelError: a frozen model, such as a teacher, cannot be had.
    """
    check_queries(loaded, model, train_sets)
    built: dict[tuple[int, tuple[str, ...], int | None], Objective] = {}
    decoders = Decoders(model)
    tasks = []
    for number, each in enumerate(train_sets):
        key = (id(each.losses), each.examples.class_names, _label_width(each.examples))
        if key not in built:
            with located(loaded, ("modifiers",) if loaded.config.modifiers else _loss_key(each, number)):
                built[key] = _objective(loaded, each, model, decoders, frozen).to(model.device)
        readers = {**embedders(model), TWIN_TOWER: model, **decoders.readers}
        task = _task(loaded, each, built[key], readers, model, progress)
        tasks.append(replace(task, rows=replace(task.rows, frozen=frozen.columns(each.examples))))
    return tasks


def build_towers(model: TextEmbedder, tasks: Sequence[Task]) -> dict[str, TextEmbedder]:
    """Everything that embeds: the model, the one for queries, and the model's twin where an objective has one."""
    wanted = {view.tower for task in tasks for view in task.rows.columns}
    return embedders(model) | ({TWIN_TOWER: model.twin()} if TWIN_TOWER in wanted else {})


def _loss_key(data: TrainSet, number: int) -> Key:
    return ("data", "train", number, "loss") if data.config.loss else ("loss",)


def _label_width(examples: Examples) -> int | None:
    """How wide teacher embeddings are; None where the label is none."""
    if examples.labels is None or examples.label_kind is not LabelKind.VECTOR:
        return None
    return int(examples.labels.shape[-1])


def _objective(
    loaded: LoadedConfig, data: TrainSet, model: TextEmbedder, decoders: Decoders, frozen: FrozenTowers
) -> Objective:
    losses = [(loss.spec, loss.parameters, loss.weight) for loss in data.losses]
    modifiers = [(modifier.spec, modifier.parameters) for modifier in loaded.config.modifiers]
    classes = len(data.examples.class_names) or None
    width = _label_width(data.examples)
    context = BuildContext(
        model.embedding_dim, model.depth, classes, width, decoder=decoders.build, frozen_width=frozen.width
    )
    return build_objective(losses, modifiers, context)


def _task(
    loaded: LoadedConfig,
    data: TrainSet,
    objective: Objective,
    readers: Mapping[str, TextReader],
    model: TextEmbedder,
    progress: Progress,
) -> Task:
    texts = role_texts(loaded, model, data.config)
    request = objective.request(data.examples.roles)
    with progress.stage(f"tokenising {data.config.name}", len(data.examples.texts)) as advance:
        rows = tokenise(data.examples, request, readers, texts.of, advance)
    maker = row_maker(loaded, data, model, texts.of(data.examples.roles[0]))
    return Task(rows, objective, request.every_layer, maker)
