"""The plan before the run: what will happen, as facts for people, `run.json` and the model card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from embtune.catalog.roles import is_negative
from embtune.catalog.spec import LabelKind
from embtune.config.sections.model import LoraConfig
from embtune.data.examples import Examples
from embtune.data.retrieval import RetrievalSet
from embtune.data.tokens import TokenStore
from embtune.model.embedder import TextEmbedder
from embtune.model.fingerprint import model_fingerprint
from embtune.pipeline.datasets import EvalSet, TrainSet
from embtune.pipeline.filling import is_whole
from embtune.pipeline.frozen import FrozenTowers
from embtune.pipeline.intervals import Due
from embtune.pipeline.job import Job
from embtune.pipeline.settings import describe_loss, takes_large_batches
from embtune.report.facts import Fact
from embtune.report.record import DataRecord, ModelRecord
from embtune.train.rows import TrainingRows

_BYTES_PER_WEIGHT_IN_CHECKPOINT = 12  # the weight and AdamW's two moments, in float32


def plan_facts(job: Job) -> list[Fact]:
    """Everything worth knowing before the first step, in the order of the data flow."""
    config, training = job.loaded.config, job.training
    total = training.schedule.total_steps
    facts = list(_models(job))
    facts += _lora_facts(config.model.lora)
    facts += [_data_fact(each, rows.rows) for each, rows in zip(job.inputs.train_sets, training.tasks, strict=True)]
    facts += list(_mixture(job))
    facts += list(_frozen(job.frozen))
    facts += [Fact(f"eval {each.config.name}", _size(each)) for each in job.inputs.eval_sets]
    facts += [Fact("loss", [describe_loss(loss) for loss in config.loss], "\n".join(map(describe_loss, config.loss)))]
    if config.modifiers:
        described = [describe_loss(modifier) for modifier in config.modifiers]
        facts.append(Fact("modifiers", described, "\n".join(described)))
    facts.append(_batch_fact(job))
    facts += list(_negatives(job))
    facts.append(Fact("steps", total, _steps_text(job)))
    if config.train.head_learning_rate is not None:
        facts.append(Fact("learning rate of heads", config.train.head_learning_rate, _head_rate_text(job)))
    facts.append(Fact("warm-up steps", training.learning_rate.warmup_steps))
    facts.append(_evaluations(job, total))
    facts.append(_checkpoints(job, total))
    world = training.processes.world
    facts += [] if world.is_alone else [Fact("processes", world.size), job.computing.fact_of_processes()]
    facts.append(Fact("device", str(training.precision.device), _device_text(job)))
    facts.append(job.computing.fact())
    return facts


def _lora_facts(lora: LoraConfig | None) -> list[Fact]:
    return [] if lora is None else [Fact("low-rank updates", lora.model_dump(mode="json"), describe_lora(lora))]


def _head_rate_text(job: Job) -> str:
    train = job.loaded.config.train
    return f"{train.head_learning_rate:g}, of everything else {train.learning_rate:g}"


def describe_lora(lora: LoraConfig) -> str:
    """The low-rank updates in a few words."""
    modules = lora.target_modules if isinstance(lora.target_modules, str) else ", ".join(lora.target_modules)
    return f"rank {lora.r}, alpha {lora.alpha:g}, dropout {lora.dropout:g}; {modules}"


def with_all_tokens(plan: Sequence[Fact], job: Job) -> tuple[Fact, ...]:
    """The plan with what is known by now of sets that were still being tokenised when it was made."""
    sets = zip(job.inputs.train_sets, job.training.tasks, strict=True)
    known = {fact.label: fact for fact in (_data_fact(each, task.rows) for each, task in sets)}
    return tuple(known.get(fact.label, fact) for fact in plan)


def data_records(job: Job) -> tuple[DataRecord, ...]:
    """What was read, for `run.json` and the model card."""
    train = [_record(each.config.name, each.config.path, "train", each.examples) for each in job.inputs.train_sets]
    held = [_record(each.config.name, each.config.path, "eval", each.data) for each in job.inputs.eval_sets]
    return (*train, *held)


def _record(name: str, path: str, split: str, data: Examples | RetrievalSet) -> DataRecord:
    if isinstance(data, RetrievalSet):
        return DataRecord(name, path, split, ("query", "document"), "qrels", len(data.queries), 0, data.fingerprint)
    return DataRecord(
        name, path, split, data.roles, data.label_kind.value, len(data), data.rows_skipped, data.fingerprint
    )


def fixed_model_records(job: Job) -> tuple[ModelRecord, ...]:
    """The models that are not trained, before the first step: checkpoints hold nothing of them."""
    asked = tuple(ModelRecord(each.role, each.name, each.fingerprint) for each in job.frozen.asked.models)
    model = job.loaded.config.model
    if model.lora is None:
        return asked
    return (*asked, ModelRecord("base", model.name_or_path, model_fingerprint(job.model)))


def _models(job: Job) -> Iterator[Fact]:
    """The model, and the one for queries where there is one."""
    config = job.loaded.config.model
    yield Fact("model", config.name_or_path, _model_text(config.name_or_path, job.model))
    if job.model.queries is not None:
        name = config.query_name_or_path or config.name_or_path
        yield Fact("model for queries", name, _model_text(name, job.model.queries))


def _model_text(name: str, model: TextEmbedder) -> str:
    parameters = [*model.encoder.parameters(), *model.layers.parameters()]
    weights = sum(parameter.numel() for parameter in parameters)
    trained = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    share = "" if trained == weights else f", {trained:,} of them trained"
    length = "any length" if model.max_seq_length is None else f"{model.max_seq_length} tokens"
    return (
        f"{name}  ({model.encoder.architecture}, {weights / 1e6:.1f} M weights{share}, {model.embedding_dim} dims, "
        f"{length})"
    )


def _data_fact(each: TrainSet, rows: TrainingRows) -> Fact:
    """What is trained on. While texts are still being tokenised, their tokens are not known, and null."""
    known = is_whole(rows)
    tokens = int(rows.tokens(np.arange(rows.size)).sum()) if known else None
    truncated = sum(store.whole().truncated for _, store in stores_of(rows)) if known else None
    value: dict[str, object] = {"rows": rows.size, "tokens": tokens, "truncated_texts": truncated}
    value["roles"] = list(each.examples.roles)
    parts = [f"{rows.size:,} rows", ", ".join(each.examples.roles)]
    if each.held_out is not None:
        value["held_out_rows"] = len(each.held_out)
        parts.insert(1, f"{len(each.held_out):,} more held out for evaluation")
    if each.layout.label is not LabelKind.NONE:
        parts.append(f"label {each.layout.label.value}")
    parts.append(f"{tokens:,} tokens" if known else "tokenised beside the first steps")
    if each.examples.rows_skipped:
        parts.append(f"{each.examples.rows_skipped:,} bad rows left out")
    if known:
        parts.append(f"{_truncated_share(rows):.1%} of texts cut")
    text = "  ".join(parts)
    if each.converted:
        value["converted"] = each.converted.record()
        text = f"{text}\n{each.converted.sentence}"
    return Fact(f"train {each.config.name}", value, text)


def _mixture(job: Job) -> Iterator[Fact]:
    """What the run takes of each of several training sets, exactly, and in which order."""
    sets, mixture = job.inputs.train_sets, job.loaded.config.data.mixture
    if len(sets) == 1:
        return
    steps, rows = Counter[int](), Counter[int]()
    for batch in job.training.schedule.batches():
        steps[batch.dataset] += 1
        rows[batch.dataset] += len(batch.rows)
    value: dict[str, object] = {"strategy": mixture.strategy.value, "temperature": mixture.temperature}
    lines = [f"{mixture.strategy.value}, temperature {mixture.temperature:g}"]
    for number, each in enumerate(sets):
        passes = rows[number] / len(each.examples)
        value[each.config.name] = {"rows": rows[number], "steps": steps[number], "passes": round(passes, 4)}
        share = rows[number] / max(1, rows.total())
        lines.append(
            f"{each.config.name}: {rows[number]:,} rows ({share:.0%}, {passes:.3g} passes) in {steps[number]:,} steps"
        )
    yield Fact("mixture", value, "\n".join(lines))


def _frozen(towers: FrozenTowers) -> Iterator[Fact]:
    """The guides and the teachers, each with what it embedded of one training set."""
    for role in dict.fromkeys(tower.role for tower in towers):
        made = [(tower.name, tower.texts, tower.width) for tower in towers if tower.role == role]
        values = [{"model": name, "texts": texts, "dims": width} for name, texts, width in made]
        lines = [f"{name}  ({width} dims, {texts:,} texts embedded ahead)" for name, texts, width in made]
        yield Fact(role, values, "\n".join(lines))


def stores_of(rows: TrainingRows) -> list[tuple[list[str], TokenStore]]:
    """Each store of tokens, and the roles that share it."""
    roles: dict[int, tuple[list[str], TokenStore]] = {}
    for view, column in rows.columns.items():
        roles.setdefault(id(column.store), ([], column.store))[0].append(view.role)
    return list(roles.values())


def _truncated_share(rows: TrainingRows) -> float:
    stores = [store for _, store in stores_of(rows)]
    return sum(store.whole().truncated for store in stores) / max(1, sum(len(store) for store in stores))


def _size(each: EvalSet) -> str:
    if isinstance(each.data, RetrievalSet):
        return f"{len(each.data.queries):,} queries, {len(each.data.corpus):,} documents"
    return f"{len(each.data):,} rows" if each.converted is None else each.converted.sentence


def _batch_fact(job: Job) -> Fact:
    size, settings = job.loaded.config.train.batch_size, job.inputs.settings
    sizes = " or ".join(map(str, dict.fromkeys(settings.batch_sizes)))
    at_once = f"{job.training.budget.micro_batch_tokens:,} tokens at a time on this machine"
    text = f"{sizes} rows a step, {settings.sampler_words}; {at_once}"
    return Fact("batch", size, text)


def _negatives(job: Job) -> Iterator[Fact]:
    """What each anchor is told apart from, for the losses that learn from the rest of the batch."""
    for each, size in zip(job.inputs.train_sets, job.inputs.settings.batch_sizes, strict=True):
        if not any(takes_large_batches(loss.spec) for loss in each.losses):
            continue
        batch = min(size, len(each.examples))
        own = sum(is_negative(role) for role in each.examples.roles)
        in_batch = (batch - 1) * (1 + own)
        value = {"in_batch": in_batch, "own": own}
        yield Fact(f"negatives per anchor ({each.config.name})", value, f"{in_batch:,} in the batch, {own} of its own")


def _steps_text(job: Job) -> str:
    schedule = job.training.schedule
    epochs = schedule.total_steps / schedule.steps_per_epoch
    return f"{schedule.total_steps:,}  ({schedule.steps_per_epoch:,} an epoch, {epochs:.3g} epochs)"


def _evaluations(job: Job, total: int) -> Fact:
    if not job.evaluation.tasks:
        return Fact("evaluations", 0, "none: data.eval is empty, so nothing will say whether the model got better")
    config = job.loaded.config.eval
    times = Due.at_interval(config.steps, total).times + int(config.on_start)
    chosen = f"; {job.best_metric} chooses the model" if job.best_metric else "; the last model is kept"
    return Fact("evaluations", times, f"{times}{chosen}")


def _checkpoints(job: Job, total: int) -> Fact:
    config = job.loaded.config.checkpoint
    times = Due.at_interval(config.steps, total).times
    kept = times if config.keep is None else min(config.keep, times)
    weights = sum(parameter.numel() for _, parameter in job.training.trainables.trainable())
    megabytes = kept * weights * _BYTES_PER_WEIGHT_IN_CHECKPOINT / 1e6
    return Fact("checkpoints", times, f"{times}, {kept} kept at a time ({megabytes:,.0f} MB)")


def _device_text(job: Job) -> str:
    cache = job.inputs.settings.gradient_cache
    return f"{job.training.precision.device}, {job.training.precision.precision}, gradient cache {cache}"
