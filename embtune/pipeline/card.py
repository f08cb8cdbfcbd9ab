"""The model card of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from embtune.catalog.formats import ANY_ROLES, FORMAT_NAMES, roles_fit
from embtune.catalog.roles import LABEL_ROLE
from embtune.catalog.spec import LabelKind
from embtune.config.sections.losses import LossConfig
from embtune.data.examples import Examples
from embtune.data.retrieval import RetrievalSet
from embtune.evaluate.evaluator import Evaluator, metric_key
from embtune.model.source import is_on_hub
from embtune.pipeline.classifiers import trained_classifiers
from embtune.pipeline.facts import data_records, describe_lora
from embtune.pipeline.job import Job
from embtune.report.card_tables import SAMPLES, DataCard, ScoreCard
from embtune.report.gains import Gain
from embtune.report.model_card import CardFacts, Trained, model_card
from embtune.report.outcome import Outcome
from embtune.report.record import DataRecord, installed_versions

_ARGUMENTS = (
    "num_train_epochs", "max_steps", "batch_size", "learning_rate", "head_learning_rate", "lr_scheduler_type",
    "warmup_ratio", "warmup_steps", "weight_decay", "max_grad_norm",
)  # fmt: skip


def card_of(job: Job, scores: Sequence[Gain], outcome: Outcome | None = None) -> str:
    """README.md of the trained model."""
    config, model = job.loaded.config, job.model
    name = config.model.name_or_path
    return model_card(
        CardFacts(
            name=config.output_dir.rstrip("/").rsplit("/", 1)[-1],
            base_model=_readable(name),
            base_is_on_hub=is_on_hub(name),
            embedding_dim=model.embedding_dim,
            max_seq_length=model.max_seq_length,
            similarity=str(model.similarity),
            data=_data(job),
            losses=list(_losses(job)),
            modifiers=[Trained(modifier.spec, modifier.parameters) for modifier in config.modifiers],
            arguments=_arguments(job),
            scores=[_scores(each, job, scores) for each in job.evaluation.evaluators],
            versions=installed_versions(),
            dims=[dim or model.embedding_dim for dim in job.evaluation.dims],
            prompts=model.prompts,
            query_model=None if model.queries is None else _readable(config.model.query_name_or_path or name),
            classes=[each.classes for each in trained_classifiers(job.inputs.train_sets, job.training.tasks)],
            caution="" if outcome is None or outcome.improved else outcome.not_improved(),
        )
    )


def _readable(name: str) -> str:
    """Where a folder lay on the machine that trained is nobody's business."""
    return PurePath(name).name if os.path.isdir(os.path.expanduser(name)) else name


def _arguments(job: Job) -> dict[str, object]:
    config, settings = job.loaded.config, job.inputs.settings
    train = config.train.model_dump(mode="json")
    arguments = {f"train.{key}": train[key] for key in _ARGUMENTS if train[key] is not None}
    if config.model.lora is not None:
        arguments["model.lora"] = describe_lora(config.model.lora)
    decided = {"train.batch_sampler": settings.sampler_words, "train.precision": str(settings.precision)}
    return arguments | decided | {"seed": config.seed, "steps": job.training.schedule.total_steps}


def _losses(job: Job) -> Iterator[Trained]:
    """Each loss once, with the sets it was used on where those are not all."""
    used: dict[int, tuple[LossConfig, list[str]]] = {}
    for each in job.inputs.train_sets:
        for loss in each.losses:
            used.setdefault(id(loss), (loss, []))[1].append(each.config.name)
    for loss, names in used.values():
        on_all = len(names) == len(job.inputs.train_sets)
        yield Trained(loss.spec, loss.parameters, loss.weight, () if on_all else tuple(names))


def _scores(evaluator: Evaluator, job: Job, scores: Sequence[Gain]) -> ScoreCard:
    """Those of one set that were measured before and after, at every width."""
    known = {gain.metric: gain for gain in scores}
    dims = job.evaluation.dims
    rows = {
        metric: [known[key] for dim in dims if (key := metric_key(evaluator.name, dim, metric)) in known]
        for metric in evaluator.metrics
    }
    whole = {metric: gains for metric, gains in rows.items() if len(gains) == len(dims)}
    return ScoreCard(evaluator.name, tuple(dim or job.model.embedding_dim for dim in dims), whole)


def _data(job: Job) -> list[DataCard]:
    sets = [*(each.examples for each in job.inputs.train_sets), *(each.data for each in job.inputs.eval_sets)]
    return [_data_card(record, data) for record, data in zip(data_records(job), sets, strict=True)]


def _data_card(record: DataRecord, data: Examples | RetrievalSet) -> DataCard:
    if isinstance(data, RetrievalSet):
        described = f"{len(data.queries):,} queries over {len(data.corpus):,} documents, with judgements"
        return DataCard(record, described, list(_retrieval_samples(data)))
    samples = [_row(data, number) for number in range(min(SAMPLES, len(data)))]
    return DataCard(record, _format(data), samples)


def _format(data: Examples) -> str:
    """`pairs with a score: sentence_A, sentence_B + label (score)`."""
    words = ", ".join(data.roles)
    words += "" if data.label_kind is LabelKind.NONE else f" + {LABEL_ROLE} ({data.label_kind.value})"
    fitting = (format for format in FORMAT_NAMES if format.label is data.label_kind and format.roles != (ANY_ROLES,))
    name = next((FORMAT_NAMES[format] for format in fitting if roles_fit(format.roles, data.roles)), None)
    return f"{name}: {words}" if name else words


def _retrieval_samples(data: RetrievalSet) -> Iterator[dict[str, str]]:
    for query in list(data.queries)[:SAMPLES]:
        document = max(data.qrels[query], key=lambda each: data.qrels[query][each])
        yield {"query": data.queries[query], "a relevant document": data.corpus[document]}


def _row(data: Examples, number: int) -> dict[str, str]:
    row = {role: data.text(number, role) or "" for role in data.roles}
    return row if data.labels is None else {**row, LABEL_ROLE: _label(data, number)}


def _label(data: Examples, number: int) -> str:
    """A class by its name, a vector by its width, numbers as they are."""
    assert data.labels is not None, "asked of data with labels only"
    label = data.labels[number]
    if data.label_kind is LabelKind.CLASS and data.class_names:
        return data.class_names[int(label)]
    if data.label_kind is LabelKind.VECTOR:
        return " x ".join(map(str, label.shape)) + " numbers"
    return ", ".join(f"{value:g}" for value in label.reshape(-1).tolist())
