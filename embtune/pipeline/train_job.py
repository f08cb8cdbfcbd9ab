"""`embtune train`: a run from its config to its model, or on from where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from embtune.config import LoadedConfig
from embtune.config.hiding import checksums
from embtune.errors import Problem, RunDirectoryError, Stopped
from embtune.pipeline.best import BestWeights
from embtune.pipeline.facts import data_records, fixed_model_records, plan_facts, with_all_tokens
from embtune.pipeline.finish import finish
from embtune.pipeline.following import follow, leading
from embtune.pipeline.job import Job, prepare
from embtune.pipeline.keeping import OnDisk
from embtune.pipeline.notes import notes, warnings
from embtune.pipeline.resume import check_same_inputs, claim, starting_state
from embtune.pipeline.session import Session
from embtune.report.events import EndEvent, WarningEvent
from embtune.report.metrics_log import MetricsLog, cut_back
from embtune.report.progress import Progress, Several
from embtune.report.progress_plain import PlainProgress
from embtune.report.record import PluginRecord, RunRecord, RunResult, VariableRecord, git_state, read_record
from embtune.report.run_directory import RunDirectory, RunState
from embtune.report.train_log import TrainLog
from embtune.train.checkpoint import Checkpoints
from embtune.train.loop import train
from embtune.train.processes import Alone, Processes
from embtune.train.state import TrainState
from embtune.train.stop import StopRequest, listening

_DRY_STEPS = 2


@dataclass(frozen=True)
class TrainRequest:
    """What the command line asks for.

    argv: as typed, for the record.
    every_step: show each step.
    cache: where tokens, first scores, and vectors of teachers and guides are kept between runs; None keeps none.
    bf16_speedup: of this CPU over float32, 0 where it cannot compute in bf16; None where that was not measured.
    restarts: how often the launcher has started the run again.
    """

    argv: tuple[str, ...] = ()
    dry_run: bool = False
    every_step: bool = False
    cache: Path | None = None
    bf16_speedup: float | None = None
    restarts: int = 0


def run_training(
    loaded: LoadedConfig, request: TrainRequest, progress: Progress, processes: Processes | None = None
) -> dict[str, object] | None:
    """Do the run, or what is left of it.

    Args:
        processes: that do it together, each of which calls this; None is this one alone.

    Returns:
        The result as `run.json` holds it; None after a dry run, and where this is not the first process.

    Raises:
        EmbtuneError: anything that is wrong; `Stopped` after a signal, with everything saved.
    """
    processes = processes or Alone()
    directory = RunDirectory(Path(loaded.config.output_dir))
    if request.dry_run:
        _dry_run(loaded, directory, request, progress, processes)
        return None
    if not processes.world.is_first:
        with listening() as stop:
            follow(partial(_job, loaded, request, Several(), processes), directory, stop, processes)
        return None
    with leading(processes) as begin:
        return _lead(loaded, directory, request, progress, processes, begin)


def _lead(
    loaded: LoadedConfig,
    directory: RunDirectory,
    request: TrainRequest,
    progress: Progress,
    processes: Processes,
    begin: Callable[[], None],
) -> dict[str, object]:
    """The run as its first process does it. begin: lets the others begin."""
    if claim(loaded, directory) is RunState.FINISHED:
        return _finished_result(directory, progress)
    with listening() as stop:
        job = _job(loaded, request, progress, processes)
        with directory.locked() as kept_out:
            if not kept_out:
                progress.note(f"{directory.path}: this file system knows no locks; start no second run in it")
            if claim(loaded, directory) is RunState.FINISHED:  # by another process, since
                return _finished_result(directory, progress)
            directory.create(loaded.text, loaded.resolved_yaml())
            _in_directory(job, directory, request, progress, stop, begin)
            return _result(directory)


def _job(loaded: LoadedConfig, request: TrainRequest, progress: Progress, processes: Processes) -> Job:
    """With all texts tokenised where there are several processes: the first fills the cache that the others read."""
    job = prepare(loaded, progress, request.cache, bf16_speedup=request.bf16_speedup, processes=processes)
    if processes.world.is_first and not processes.world.is_alone:
        job.filling.wait(progress)
    return job


def _finished_result(directory: RunDirectory, progress: Progress) -> dict[str, object]:
    progress.note(f"{directory.path} holds this run, finished; nothing is left to do")
    return _result(directory)


def _result(directory: RunDirectory) -> dict[str, object]:
    result = read_record(directory.record)["result"]
    assert isinstance(result, dict)
    return result | {"model": str(directory.model)}  # in the record a part of the path may be hidden


def _dry_run(
    loaded: LoadedConfig, directory: RunDirectory, request: TrainRequest, progress: Progress, processes: Processes
) -> None:
    """The plan, and two real steps: the second shows that the first left sound weights. Nothing reaches the disk.

    A directory that the run itself would be refused is told of. Guides and teachers are read and asked nothing.
    """
    with listening():
        job = prepare(loaded, progress, embed=False, bf16_speedup=request.bf16_speedup, processes=processes)
        job.filling.wait(progress)  # the plan is all that a dry run is for
        _tell_plan(job, progress)
        for problem in _refusals(loaded, directory):
            progress.warning(WarningEvent(0, 0.0, problem.code, f"the run itself would be refused: {problem.message}"))
        for report in islice(train(job.training, TrainState()), _DRY_STEPS):
            did = f"loss {report.loss:.4f}, {report.tokens:,} tokens, {report.seconds:.1f} s"
            progress.note(f"step {report.step}: {did}")
        for model in job.frozen.asked.models:
            progress.note(
                f"the {model.role} {model.name} embedded nothing: random vectors stood in, also in the losses"
            )
        progress.note("dry run: nothing was written")


def _refusals(loaded: LoadedConfig, directory: RunDirectory) -> tuple[Problem, ...]:
    try:
        claim(loaded, directory)
    except RunDirectoryError as error:
        return error.problems
    return ()


def _tell_plan(job: Job, progress: Progress) -> None:
    progress.plan(plan_facts(job))
    for note in notes(job):
        progress.note(note)
    for code, text in warnings(job):
        progress.warning(WarningEvent(0, 0.0, code, text))


def _in_directory(
    job: Job,
    directory: RunDirectory,
    request: TrainRequest,
    progress: Progress,
    stop: StopRequest,
    begin: Callable[[], None],
) -> None:
    """The run, in a directory that is this process's alone to write in."""
    record = _record(job, request)
    check_same_inputs(record, directory)
    begin()
    checkpoints = Checkpoints(directory.checkpoints, job.loaded.config.checkpoint.keep)
    start = starting_state(job, checkpoints)
    step = start.state.step
    cut_back(directory.metrics, step if step else -1, start.state.evaluated)
    hide = job.loaded.hide
    with ExitStack() as stack:
        train_log = stack.enter_context(TrainLog.opened(directory.train_log, hide))
        log = stack.enter_context(MetricsLog.opened(directory.metrics, hide))
        shown = Several((progress, PlainProgress(train_log.line)))
        record.write(directory.record, hide)
        best = BestWeights(directory.best)
        keeper = OnDisk(checkpoints, best, log)
        session = Session(job, directory, start.state, keeper, shown, stop, request.every_step)
        _announce(session, record, start.warnings, request.restarts)
        stop.at_step_ends = True
        _to_the_end(session, record, best)


def _announce(session: Session, record: RunRecord, damaged: tuple[str, ...], restarts: int) -> None:
    """The plan, and whatever else a person should know before the first step."""
    session.progress.plan(record.plan)
    for note in notes(session.job):
        session.progress.note(note)
    if session.state.step:
        session.progress.note(f"going on after step {session.state.step}")
    else:
        for code, text in warnings(session.job):
            session.warn(code, text)
    for text in damaged:
        session.warn("damaged-checkpoint", text)
    if restarts:
        session.warn("restarted", f"a process had died, and all were started again (restart {restarts})")


def _to_the_end(session: Session, record: RunRecord, best: BestWeights) -> None:
    try:
        session.run()
        result = finish(session, best)
    except BaseException as error:
        _end(session, record, "stopped" if isinstance(error, Stopped) else "failed")
        raise
    _end(session, record, RunState.FINISHED.value, result)
    if session.stop.signum is not None:
        raise Stopped(
            session.stop.signum, "a signal came while the model was being saved; it is saved, and the run done"
        )


def _end(session: Session, record: RunRecord, status: str, result: RunResult | None = None) -> None:
    state = session.state
    session.keeper.event(EndEvent(state.step, session.epoch, status, state.seconds))
    record = replace(record, plan=with_all_tokens(record.plan, session.job))
    record.ended_as(status, result).write(session.directory.record, session.job.loaded.hide)


def _record(job: Job, request: TrainRequest) -> RunRecord:
    return RunRecord(
        argv=request.argv,
        seed=job.loaded.config.seed,
        world_size=job.training.processes.world.size,
        device=str(job.training.precision.device),
        data=data_records(job),
        plan=tuple(plan_facts(job)),
        plugins=tuple(
            PluginRecord(plugin.name, plugin.sha256, tuple(spec.name for spec in plugin.specs))
            for plugin in job.loaded.plugins
        ),
        fixed_models=fixed_model_records(job),
        trust_remote_code=job.loaded.config.model.trust_remote_code,
        variables=tuple(VariableRecord(name, digits) for name, digits in checksums(job.loaded.variables).items()),
        adjusted=job.inputs.settings.notes,
        git=git_state(Path()),
    )
