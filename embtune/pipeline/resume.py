"""Going on: whether the run in a directory is this one, on this data, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embtune.config import LoadedConfig
from embtune.config.words import Resume
from embtune.errors import Problem, RunDirectoryError
from embtune.pipeline.collecting import located
from embtune.pipeline.job import Job
from embtune.report.record import DataRecord, PluginRecord, read_record
from embtune.report.run_directory import RunDirectory, RunState
from embtune.train.checkpoint import Checkpoints, restore
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


def check_same_data(data: Sequence[DataRecord], directory: RunDirectory) -> None:
    """A run goes on only on the data that it began with.

    Raises:
        RunDirectoryError: some dataset has other content now.
    """
    before = _fingerprints(read_record(directory.record))
    changed = [each.name for each in data if before.get((each.split, each.name), each.fingerprint) != each.fingerprint]
    if changed:
        message = f"{directory.path} holds a run on other data: the content of {', '.join(changed)} has changed"
        hint = "Choose another output_dir, or put the data back."
        raise RunDirectoryError(Problem("other-data", message, hint=hint))


def check_same_plugins(plugins: Sequence[PluginRecord], directory: RunDirectory) -> None:
    """A run goes on only with the losses that it began with.

    Raises:
        RunDirectoryError: the code of a plugin has changed.
    """
    before = _hashes(read_record(directory.record))
    changed = [plugin.name for plugin in plugins if before.get(plugin.name, plugin.sha256) != plugin.sha256]
    if changed:
        message = f"{directory.path} holds a run with other losses: the code of {', '.join(changed)} has changed"
        hint = "Choose another output_dir, or put the code back."
        raise RunDirectoryError(Problem("other-plugins", message, hint=hint))


def _hashes(record: Mapping[str, object]) -> dict[object, object]:
    plugins = record.get("plugins")
    entries = [each for each in plugins if isinstance(each, dict)] if isinstance(plugins, list) else []
    return {each.get("name"): each.get("sha256") for each in entries}


def _fingerprints(record: Mapping[str, object]) -> dict[tuple[object, object], object]:
    data = record.get("data")
    entries = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    return {(each.get("split"), each.get("name")): each.get("fingerprint") for each in entries}


def starting_state(job: Job, checkpoints: Checkpoints) -> Start:
    """The newest whole checkpoint's, with its weights in place; a new one where there is none.

    Raises:
        RunError: the checkpoint is of other parameters.
    """
    checkpoint, damaged = checkpoints.newest()
    outcome = "no whole checkpoint is left, and the run starts anew" if checkpoint is None else "the one before is used"
    warnings = tuple(f"{problem.message}; {outcome}" for problem in damaged)
    if checkpoint is None:
        return Start(TrainState(), warnings)
    restore(checkpoint, job.training.trainables, job.training.optimizer)
    job.training.precision.restore(checkpoint.state.scaler)
    return Start(checkpoint.state, warnings)
