"""`embtune train`: a run from its config to its model, or on from where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from embtune.config import LoadedConfig
from embtune.config.words import Resume
from embtune.errors import EmbtuneError, Problem, RunDirectoryError, Stopped
from embtune.pipeline.best import BestWeights
from embtune.pipeline.card import card_of
from embtune.pipeline.facts import batch_warnings, data_records, plan_facts, role_notes, truncation_warnings
from embtune.pipeline.finish import save_and_read_back
from embtune.pipeline.job import Job, prepare
from embtune.pipeline.session import Session, peak_memory_bytes
from embtune.report.events import EndEvent, WarningEvent
from embtune.report.gains import Gain, gains, worse_sentence
from embtune.report.metrics_log import MetricsLog, cut_back
from embtune.report.progress import Progress, Several
from embtune.report.progress_plain import PlainProgress
from embtune.report.record import RunRecord, RunResult, git_state
from embtune.report.run_directory import RunDirectory, RunState
from embtune.report.train_log import TrainLog
from embtune.train.checkpoint import Checkpoints, restore
from embtune.train.loop import train
from embtune.train.state import TrainState
from embtune.train.stop import StopRequest, listening

_DRY_STEPS = 2


@dataclass(frozen=True)
class TrainRequest:
    """What the command line asks for. argv: as typed, for the record. every_step: show each step."""

    argv: tuple[str, ...] = ()
    dry_run: bool = False
    every_step: bool = False


def run_training(loaded: LoadedConfig, request: TrainRequest, progress: Progress) -> dict[str, object] | None:
    """Do the run, or what is left of it.

    Returns:
        The result as `run.json` holds it; None after a dry run.

    Raises:
        EmbtuneError: anything that is wrong; `Stopped` after a signal, with everything saved.
    """
    directory = RunDirectory(Path(loaded.config.output_dir))
    state = _claim(loaded, directory)
    if state is RunState.FINISHED and not request.dry_run:
        progress.note(f"{directory.path} holds this run, finished; nothing is left to do")
        return _finished_result(directory)
    with listening() as stop:
        job = prepare(loaded, progress)
        if request.dry_run:
            _dry_run(job, progress)
            return None
        with directory.locked() as kept_out:
            if not kept_out:
                progress.note(f"{directory.path}: this file system knows no locks; start no second run in it")
            _claim(loaded, directory)  # another process may have been here since
            directory.create(loaded.text, loaded.resolved_yaml())
            return _in_directory(job, directory, request, progress, stop)


def _claim(loaded: LoadedConfig, directory: RunDirectory) -> RunState:
    state = directory.claim(loaded.resolved_yaml())
    if loaded.config.checkpoint.resume is Resume.NEVER and state is not RunState.EMPTY:
        problem = loaded.problem(
            ("checkpoint", "resume"),
            "directory-not-empty",
            f"{directory.path} holds a run, and checkpoint.resume is never",
            "Choose another output_dir, or set checkpoint.resume: auto.",
        )
        raise RunDirectoryError(problem)
    return state


def _finished_result(directory: RunDirectory) -> dict[str, object]:
    record = json.loads(directory.record.read_text("utf-8"))
    result: dict[str, object] = record["result"]
    return result


def _dry_run(job: Job, progress: Progress) -> None:
    """The plan, and two real steps on copies that nobody keeps."""
    progress.plan(plan_facts(job))
    _note(job, progress)
    for report in islice(train(job.training, TrainState()), _DRY_STEPS):
        progress.note(f"step {report.step}: loss {report.loss:.4f}, {report.tokens:,} tokens, {report.seconds:.1f} s")
    progress.note("dry run: nothing was written")


def _note(job: Job, progress: Progress) -> None:
    for note in (*role_notes(job), *job.inputs.settings.notes, *job.model.notes):
        progress.note(note)
    for text in truncation_warnings(job):
        progress.warning(WarningEvent(0, 0.0, "truncated-texts", text))
    for text in batch_warnings(job):
        progress.warning(WarningEvent(0, 0.0, "wasteful-settings", text))


def _in_directory(
    job: Job, directory: RunDirectory, request: TrainRequest, progress: Progress, stop: StopRequest
) -> dict[str, object]:
    """The run, in a directory that is this process's alone."""
    record = _record(job, request)
    _check_same_data(record, directory)
    checkpoints = Checkpoints(directory.checkpoints, job.loaded.config.checkpoint.keep)
    state, damaged = _starting_state(job, checkpoints)
    cut_back(directory.metrics, state.step if state.step else -1)
    with ExitStack() as stack:
        train_log = stack.enter_context(TrainLog.opened(directory.train_log))
        log = stack.enter_context(MetricsLog.opened(directory.metrics))
        shown = Several((progress, PlainProgress(train_log.line)))
        record.write(directory.record)
        shown.plan(record.plan)
        _note(job, shown)
        _say_where(state, damaged, shown)
        best = BestWeights(directory.path / "best")
        session = Session(job, directory, state, checkpoints, best, log, shown, stop, request.every_step)
        stop.at_step_ends = True
        try:
            session.run()
            result = _finish(session)
        except EmbtuneError as error:
            status = "stopped" if isinstance(error, Stopped) else "failed"
            _end(session, record.ended_as(status), status)
            raise
        _end(session, record.ended_as(RunState.FINISHED.value, result), RunState.FINISHED.value)
    return _finished_result(directory)


def _record(job: Job, request: TrainRequest) -> RunRecord:
    return RunRecord(
        argv=request.argv,
        seed=job.loaded.config.seed,
        world_size=1,
        device=str(job.training.precision.device),
        data=data_records(job),
        plan=tuple(plan_facts(job)),
        adjusted=job.inputs.settings.notes,
        git=git_state(Path()),
    )


def _check_same_data(record: RunRecord, directory: RunDirectory) -> None:
    """A run goes on only on the data that it began with.

    Raises:
        RunDirectoryError: some dataset has other content now.
    """
    if not directory.record.exists():
        return
    before = {each["name"]: each["fingerprint"] for each in json.loads(directory.record.read_text("utf-8"))["data"]}
    changed = [each.name for each in record.data if before.get(each.name, each.fingerprint) != each.fingerprint]
    if changed:
        message = f"{directory.path} holds a run on other data: the content of {', '.join(changed)} has changed"
        hint = "Choose another output_dir, or put the data back."
        raise RunDirectoryError(Problem("other-data", message, hint=hint))


def _starting_state(job: Job, checkpoints: Checkpoints) -> tuple[TrainState, list[Problem]]:
    """The newest whole checkpoint's, with its weights in place; a new one where there is none."""
    checkpoint, damaged = checkpoints.newest()
    if checkpoint is None:
        return TrainState(), damaged
    restore(checkpoint, job.training.trainables, job.training.optimizer)
    job.training.precision.restore(checkpoint.state.scaler)
    return checkpoint.state, damaged


def _say_where(state: TrainState, damaged: Sequence[Problem], progress: Progress) -> None:
    for problem in damaged:
        progress.warning(WarningEvent(state.step, 0.0, problem.code, f"{problem.message} {problem.hint}"))
    if state.step:
        progress.note(f"going on after step {state.step}")


def _finish(session: Session) -> RunResult:
    """Choose the weights, save the model, tell the gain."""
    job, state = session.job, session.state
    after = state.last_metrics
    if state.best is not None:
        after = state.best.metrics
        if state.best.step != state.step:
            session.best.load(job.training.trainables, state.best.step)
    scores = gains(state.first_metrics, after, job.evaluation.metric_names)
    texts = list(job.inputs.train_sets[0].examples.texts[:8])
    save_and_read_back(job.model, session.directory.model, card_of(job, scores), texts)
    session.progress.gains([row for row in scores if row.metric in job.evaluation.headline])
    _say_if_worse(session)
    return RunResult(
        model=str(session.directory.model),
        steps=state.step,
        seconds=state.seconds,
        tokens=state.tokens,
        tokens_per_second=state.tokens / max(state.seconds, 1e-9),
        peak_memory_bytes=peak_memory_bytes(job.training.precision.device),
        metrics_before=state.first_metrics,
        metrics_after=after,
        metrics_last=state.last_metrics,
        best_metric=job.best_metric,
        best_step=state.best.step if state.best else None,
    )


def _say_if_worse(session: Session) -> None:
    state, metric = session.state, session.job.best_metric
    if metric is None or metric not in state.first_metrics:
        return
    gain = Gain(metric, state.first_metrics[metric], state.last_metrics[metric])
    sentence = worse_sentence(gain, state.best.step if state.best else None)
    if sentence is not None:
        event = WarningEvent(state.step, session.job.training.schedule.epochs_after(state.step), "got-worse", sentence)
        session.log.write(event)
        session.progress.warning(event)


def _end(session: Session, record: RunRecord, status: str) -> None:
    state = session.state
    session.log.write(
        EndEvent(state.step, session.job.training.schedule.epochs_after(state.step), status, state.seconds)
    )
    record.write(session.directory.record)
