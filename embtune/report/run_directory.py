"""The directory of one run: where things are, what state it is in, and that only one process at a time is in it.

    config.yaml             the config, verbatim
    config.resolved.yaml    every value, re-runnable; the run's identity
    run.json                versions, data, plan, result
    metrics.jsonl           one event a line
    train.log               what people saw
    checkpoints/            step-000040/ and so on, each whole
    best/                   weights of the best evaluations that a checkpoint names
    model/                  the trained model
    adapter/                its low-rank updates alone, in PEFT's format, where such were trained
    non_finite/             the rows of the first step whose loss or gradient was not finite, where there was one

Nothing in here deletes anything.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import yaml

from embtune.errors import Problem, RunDirectoryError
from embtune.files import write_beside, writing
from embtune.report.identity import FREE_KEYS, changed_keys
from embtune.report.record import read_record

_ELSEWHERE = "Choose another output_dir: embtune never deletes or overwrites a run."
_SHOWN = 10


class RunState(Enum):
    """How far the run in a directory has come."""

    EMPTY = "empty"  # nothing there, or no directory at all
    STARTED = "started"  # a run that has not saved a checkpoint
    STOPPED = "stopped"  # a run that can go on from a checkpoint
    FINISHED = "finished"
    FOREIGN = "foreign"  # files, but not a run's


class RunDirectory:
    """The paths of one run. Making one of these touches nothing on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.resolved_config = path / "config.resolved.yaml"
        self.record = path / "run.json"
        self.metrics = path / "metrics.jsonl"
        self.train_log = path / "train.log"
        self.checkpoints = path / "checkpoints"
        self.best = path / "best"
        self.model = path / "model"
        self.adapter = path / "adapter"

    def state(self) -> RunState:
        """How far the run has come. Hidden files count for nothing: they are locks, or were half written.

        Raises:
            RunDirectoryError: it is no directory, or cannot be read.
        """
        visible = self._visible()
        if not visible:
            return RunState.EMPTY
        if self.resolved_config.name not in visible:
            return RunState.FOREIGN
        if self._is_finished():
            return RunState.FINISHED
        return RunState.STOPPED if any(self.checkpoints.glob("step-[0-9]*")) else RunState.STARTED

    def claim(self, resolved_config: str, free_keys: Sequence[str] = FREE_KEYS) -> RunState:
        """The state, once it is sure that the run in here, if any, is the one that `resolved_config` describes.

        Args:
            resolved_config: the resolved config of the run that wants the directory, as YAML.
            free_keys: dotted keys, and sections, that may differ.

        Raises:
            RunDirectoryError: it holds another run, naming every changed key, or files that are no run's; or it cannot
                be made or written to.
        """
        state = self.state()
        if state is RunState.EMPTY:
            self._check_can_be_made()
            return state
        if state is RunState.FOREIGN:
            raise self._refused("foreign-directory", "holds files that are not a run's", self._visible())
        changed = changed_keys(self._identity(), yaml.safe_load(resolved_config), free_keys)
        if changed:
            raise self._refused("other-run", "holds another run", [str(key) for key in changed])
        return state

    def create(self, config: str, resolved_config: str) -> None:
        """Make the directory and write both configs, unless they are there: what a run began with is kept.

        Raises:
            RunError: the disk is full.
            RunDirectoryError: the directory cannot be made.
        """
        self._make()
        # identity first: killed in between, this is a run that was started and not a directory of strange files
        for path, text in ((self.resolved_config, resolved_config), (self.config, config)):
            if not path.exists():
                write_beside(path, text)
        with writing(self.checkpoints):
            self.checkpoints.mkdir(exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep other processes out for as long as this one lives; made by the kernel, so a dead one leaves no lock.

        Gives whether the file system knows locks; where it does not, nobody is kept out.

        Raises:
            RunDirectoryError: another process is in here.
        """
        self._make()
        with writing(self.path):
            descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            yield self._lock(descriptor)
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another process is running in {self.path}"
            hint = "Wait for it or stop it, or choose another output_dir."
            raise RunDirectoryError(Problem("directory-in-use", message, hint=hint)) from None
        except OSError:
            return False
        return True

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _check_can_be_made(self) -> None:
        """Now, and not after the model was loaded."""
        above = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
        if not above.is_dir():
            raise self._unusable(NotADirectoryError(errno.ENOTDIR, f"{above} is a file"))
        if not os.access(above, os.W_OK | os.X_OK):
            raise self._unusable(PermissionError(errno.EACCES, f"{above} is not to be written to"))

    def _visible(self) -> list[str]:
        try:
            if not self.path.exists():  # raises where a part of the path is longer than a name can be
                return []
            return sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
        except OSError as error:
            raise self._unusable(error) from error

    def _identity(self) -> object:
        try:
            return yaml.safe_load(self.resolved_config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise self._refused("other-run", f"has a {self.resolved_config.name} that cannot be read", []) from error

    def _is_finished(self) -> bool:
        return read_record(self.record).get("status") == RunState.FINISHED.value

    def _unusable(self, error: OSError) -> RunDirectoryError:
        message = f"{self.path} cannot be used as output_dir: {error.strerror or error}"
        return RunDirectoryError(Problem("unusable-directory", message, hint="Choose another output_dir."))

    def _refused(self, code: str, what: str, details: Sequence[str]) -> RunDirectoryError:
        more = [f"  and {len(details) - _SHOWN} more"] if len(details) > _SHOWN else []
        lines = [f"{self.path} {what}", *(f"  {detail}" for detail in details[:_SHOWN]), *more]
        return RunDirectoryError(Problem(code, "\n".join(lines), hint=_ELSEWHERE))
