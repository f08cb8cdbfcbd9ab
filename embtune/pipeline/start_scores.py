"""The evaluation of the untouched start, kept between runs: the same model on the same data has the same scores."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

import torch
import transformers

import embtune
from embtune.errors import RunError
from embtune.files import write_beside
from embtune.model.fingerprint import model_fingerprint
from embtune.pipeline.evaluation import Measured, measure
from embtune.pipeline.job import Job
from embtune.report.progress import Progress


def measured_start(job: Job, progress: Progress, check_stop: Callable[[], None]) -> Measured:
    """The scores of a model that no step has changed: as an earlier run measured them, else measured now and kept.

    Args:
        check_stop: as `measure` takes it.
    """
    started = time.perf_counter()
    path = _place(job)
    kept = job.training.processes.told(None if path is None else _read(path, job))
    if kept is not None:
        progress.note("the model and what it is evaluated on are those of an earlier run, and so are the first scores")
        return Measured(kept, time.perf_counter() - started)
    budget = job.training.budget.micro_batch_tokens
    processes = job.training.processes
    measured = measure(job.model, job.evaluation, job.training.precision, budget, progress, check_stop, processes)
    if path is not None and processes.world.is_first:
        with suppress(RunError, OSError):  # a cache that is not to be written to is no reason to stop
            path.parent.mkdir(parents=True, exist_ok=True)
            write_beside(path, json.dumps(measured.metrics, indent=2))
    return measured


def _place(job: Job) -> Path | None:
    """The file of the scores; None where nothing is kept, or where heads take part, which the model is not all of."""
    if job.cache is None or any(each.head_classes for each in job.inputs.eval_sets):
        return None
    precision, budget = job.training.precision, job.training.budget.micro_batch_tokens
    settings = [embtune.__version__, torch.__version__, transformers.__version__, _code(), str(precision.device),
                repr(job.inputs.settings.precision), budget, job.evaluation.dims]  # fmt: skip
    sets = [
        [task.evaluator.name, task.evaluator.word.value, task.evaluator.similarity.value, asdict(task.texts),
         each.data.fingerprint]
        for task, each in zip(job.evaluation.tasks, job.inputs.eval_sets, strict=True)
    ]  # fmt: skip
    decided_by = json.dumps([model_fingerprint(job.model), settings, sets], sort_keys=True)
    return job.cache / "scores" / f"{blake2b(decided_by.encode(), digest_size=16).hexdigest()}.json"


def _code() -> str:
    """A digest of embtune's own source, for those who change it; some milliseconds."""
    digest = blake2b(digest_size=16)
    for path in sorted(Path(embtune.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path, job: Job) -> dict[str, float] | None:
    """What the file holds; None where it is not there, or is not what the evaluation gives."""
    names = [name for each in job.evaluation.evaluators for name in each.metric_names(job.evaluation.dims)]
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or list(found) != names:
        return None
    whole = all(isinstance(value, float) and math.isfinite(value) for value in found.values())
    return found if whole else None
