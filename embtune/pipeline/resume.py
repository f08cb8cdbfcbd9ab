"""Going on: whether the run in a directory is this one, made from the same, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embtune.config import LoadedConfig
from embtune.config.words import Resume
from embtune.errors import Problem, RunDirectoryError, RunError
from embtune.pipeline.collecting import located
from embtune.pipeline.job import Job
from embtune.report.record import RunRecord, read_record
from embtune.report.run_directory import RunDirectory, RunState
from embtune.train.checkpoint import Checkpoints, restore
from embtune.train.processes import Processes
from embtune.train.state import TrainState


@dataclass(frozen=True)
class Start:
    """The state a session begins in, and what it has to say about how it came to it."""

    state: TrainState
    warnings: tuple[str, ...]


def claim(loaded: LoadedConfig, directory: RunDirectory) -> RunState:
    """How far the run in the directory has come, once it is sure that it is this one.

    Raises:
        RunDirectoryError: it holds another run, or any at all where `checkpoint.resume` is never.
    """
    with located(loaded, ("output_dir",)):
        state = directory.claim(loaded.resolved_yaml())
    if loaded.config.checkpoint.resume is Resume.NEVER and state is not RunState.EMPTY:
        message = f"{directory.path} holds a run, and checkpoint.resume is never"
        hint = "Choose another output_dir, or set checkpoint.resume: auto."
        raise RunDirectoryError(loaded.problem(("checkpoint", "resume"), "directory-not-empty", message, hint))
    return state


@dataclass(frozen=True)
class _Inputs:
    """One kind of what a run is made from. part: of the record; keys: which entry is which; value: what must stay."""

    part: str
    keys: tuple[str, ...]
    value: str
    code: str
    told: str  # {} are the entries that changed, by name
    hint: str


_INPUTS = (
    _Inputs(
        "data", ("split", "name"), "fingerprint", "other-data",
        "holds a run on other data: the content of {} has changed", "put the data back",
    ),
    _Inputs(
        "plugins", ("name",), "sha256", "other-plugins",
        "holds a run with other losses: the code of {} has changed", "put the code back",
    ),
    _Inputs(
        "fixed_models", ("role", "name"), "fingerprint", "other-models",
        "holds a run with other models: what {} embeds has changed", "put the model back",
    ),
    _Inputs(
        "variables", ("name",), "checksum", "other-variables",
        "holds a run with another value of the environment variable {}", "set it as it was",
    ),
)  # fmt: skip


def check_same_inputs(record: RunRecord, directory: RunDirectory) -> None:
    """A run goes on only on the data, with the losses and beside the models that it began with.

    Raises:
        RunDirectoryError: some dataset, plugin, guide, teacher, base model or variable has other content now.
    """
    now, before = record.as_json(), read_record(directory.record)
    problems = []
    for each in _INPUTS:
        was = _values(before, each)
        changed = [key[-1] for key, value in _values(now, each).items() if was.get(key, value) != value]
        if changed:
            message = f"{directory.path} {each.told.format(', '.join(map(str, changed)))}"
            problems.append(Problem(each.code, message, hint=f"Choose another output_dir, or {each.hint}."))
    if problems:
        raise RunDirectoryError(problems)


def _values(record: Mapping[str, object], inputs: _Inputs) -> dict[tuple[object, ...], object]:
    listed = record.get(inputs.part)
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {tuple(each.get(key) for key in inputs.keys): each.get(inputs.value) for each in entries}


def starting_state(job: Job, checkpoints: Checkpoints) -> Start:
    """The newest whole checkpoint's, with its weights in place; a new one where there is none.

    Raises:
        RunError: the checkpoint is of other parameters, or processes of the run find different ones.
    """
    checkpoint, damaged = checkpoints.newest()
    outcome = "no whole checkpoint is left, and the run starts anew" if checkpoint is None else "the one before is used"
    warnings = tuple(f"{problem.message}; {outcome}" for problem in damaged)
    _check_same_place(0 if checkpoint is None else checkpoint.step, job.training.processes)
    _check_same_sharing(job)
    if checkpoint is None:
        return Start(TrainState(), warnings)
    restore(checkpoint, job.training.trainables, job.training.optimizer)
    job.training.precision.restore(checkpoint.state.scaler)
    return Start(checkpoint.state, warnings)


def _check_same_sharing(job: Job) -> None:
    """Machines of different size may decide differently on a model that fits some of them."""
    here = job.training.shards is not None
    if job.training.processes.told(here) != here:
        raise RunError.of(
            "other-parallel",
            f"process {job.training.processes.world.rank} and the first process see different memory, and disagree on "
            "whether the model fits it",
            "Set train.parallel: shard.",
        )


def _check_same_place(step: int, processes: Processes) -> None:
    first = processes.told(step)
    if step != first:
        raise RunError.of(
            "other-checkpoint",
            f"process {processes.world.rank} finds the run at step {step}, the first process at step {first}",
            "Put output_dir where all machines of the run see the same files.",
        )
