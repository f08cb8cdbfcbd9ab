"""What a person should know of a run before its first step, besides its plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embtune.config.advice import advice
from embtune.config.words import BatchSampler
from embtune.pipeline.class_checks import batches_without_triplets, comparing
from embtune.pipeline.data_warnings import data_warnings, useless_noise
from embtune.pipeline.datasets import EvalSet, TrainSet
from embtune.pipeline.facts import stores_of
from embtune.pipeline.job import Job
from embtune.train.task import Task

_TRUNCATION_WORTH_SAYING = 0.05
_SHORT_BATCHES_WORTH_SAYING = 1.5  # steps of an epoch over those of full batches

Warnings = Iterator[tuple[str, str]]  # (code, sentence)


def notes(job: Job) -> Iterator[str]:
    """Why columns are read as they are, where nobody declared it; what was decided; a sentence each."""
    sets: list[TrainSet | EvalSet] = [*job.inputs.train_sets, *job.inputs.eval_sets]
    for each in sets:
        if each.layout is not None:
            reasons = each.layout.reasons if each.config.columns is None else ()
            yield from (f"{each.config.name}: {reason}" for reason in (*reasons, *each.layout.notes))
    yield from job.inputs.settings.notes
    yield from useless_noise(job.inputs.train_sets)
    if job.loaded.config.train.head_learning_rate is not None and not job.training.trainables.has_heads:
        yield "train.head_learning_rate has no effect: the loss has no parameters of its own"
    yield from job.model.notes
    yield from job.computing.notes


def warnings(job: Job) -> Warnings:
    """What the user may not want, with a stable code for scripts."""
    yield from _advice(job)
    yield from data_warnings([each.learnt for each in job.inputs.train_sets])
    yield from truncation([task for task in job.training.tasks if task.rows.name not in job.filling.waiting])
    yield from _short_batches(job)
    yield from _without_triplets(job)
    yield from _full_width(job)


def _advice(job: Job) -> Warnings:
    for problem in advice(job.loaded):
        yield problem.code, f"{problem.location}: {problem.message}; {problem.hint}"


def truncation(tasks: Sequence[Task]) -> Warnings:
    """For each dataset, or part of it with a limit of its own, that loses much to the length limit."""
    for task in tasks:
        for roles, store in stores_of(task.rows):
            share = store.whole().truncated / max(1, len(store))
            if share > _TRUNCATION_WORTH_SAYING:
                yield (
                    "truncated-texts",
                    f"{share:.0%} of the texts of {task.rows.name} ({', '.join(dict.fromkeys(roles))}) are cut at "
                    f"{store.lengths.max()} tokens; raise model.max_seq_length if what is cut off matters",
                )


def _short_batches(job: Job) -> Warnings:
    """Texts that stand in very many rows leave most batches short."""
    schedule, settings, sets = job.training.schedule, job.inputs.settings, job.inputs.train_sets
    sizes = zip(sets, settings.passes, settings.batch_sizes, strict=True)
    batches = sum(len(each.examples) * passes / size for each, passes, size in sizes)
    full = max(1.0, batches) + len(sets)
    cuts_short = BatchSampler.NO_DUPLICATES in settings.samplers
    if cuts_short and schedule.steps_per_epoch > _SHORT_BATCHES_WORTH_SAYING * full:
        yield (
            "short-batches",
            f"an epoch takes {schedule.steps_per_epoch:,} steps where {batches:,.0f} full batches would do: some "
            "texts stand in very many rows, and no batch holds a text twice; leave some of those rows out, or set "
            "train.batch_sampler: random",
        )


def _without_triplets(job: Job) -> Warnings:
    """Losses that compare classes learn nothing from a batch in which there are none to compare."""
    sets = job.inputs.train_sets
    wanting = [bool(comparing(each.losses)) for each in sets]
    if not any(wanting):
        return
    lacking, total = batches_without_triplets([each.examples for each in sets], wanting, job.training.schedule)
    if lacking:
        yield (
            "batches-without-triplets",
            f"{lacking:,} of the {total:,} batches have no triplet to learn from, two rows of a class beside "
            "one of another; raise train.batch_size, set train.batch_sampler: group_by_label, or leave out rows of a "
            "class that has most of them",
        )


def _full_width(job: Job) -> Warnings:
    """A Matryoshka model that is not trained at its own width."""
    for modifier in job.loaded.config.modifiers:
        dims = getattr(modifier.parameters, "dims", None)
        if dims and job.model.embedding_dim not in dims:
            yield (
                "full-width-not-trained",
                f"{modifier.spec.name} trains {', '.join(map(str, dims))} dims and not the model's full "
                f"{job.model.embedding_dim}; add it to dims unless the full width does not matter",
            )
