"""`run.json`: what ran, where, on which data, by which plan, and what came of it.

It holds what the user wrote and what was measured; no environment variables, no user or host name, no path the user did
not write.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Self

from embtune import __version__
from embtune.files import write_beside
from embtune.report.events import json_value
from embtune.report.facts import Fact, as_mapping

_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "datasets", "numpy", "scipy", "scikit-learn")
_GIT_SECONDS = 5.0


@dataclass(frozen=True)
class GitState:
    """The commit a working tree is at, and whether tracked files differ from it."""

    commit: str
    modified: bool


@dataclass(frozen=True)
class DataRecord:
    """One dataset as it was read. fingerprint: a hash of its content, so a changed file shows."""

    name: str
    path: str  # as the user wrote it
    split: str  # "train" or "eval"
    roles: tuple[str, ...]
    label: str
    rows: int
    rows_skipped: int
    fingerprint: str


@dataclass(frozen=True)
class PluginRecord:
    """A plugin as it was loaded. sha256: of the code that holds its losses."""

    name: str  # as the user wrote it
    sha256: str
    losses: tuple[str, ...]


@dataclass(frozen=True)
class ModelRecord:
    """A model that a run reads and does not train: a guide, a teacher, or the base under low-rank updates."""

    role: str
    name: str  # as the user wrote it
    fingerprint: str  # of everything that decides its vectors


@dataclass(frozen=True)
class VariableRecord:
    """An environment variable that the config uses and no file shows. checksum: of its value, too short to tell it."""

    name: str
    checksum: str


@dataclass(frozen=True)
class RunResult:
    """What a run came to. Metrics are flat maps, as evaluators name them.

    metrics_after: of the model that was saved. metrics_last: after the last step, whose weights need not be those.
    improved: whether any evaluation beat the start in `best_metric`; None where that was not measured.
    advice: what is saved and what to try, where it did not.
    last_weights: where those of the last step are, relative to the run's directory.
    """

    model: str | None
    steps: int
    seconds: float
    tokens: int
    tokens_per_second: float
    peak_memory_bytes: int | None
    metrics_before: Mapping[str, float]
    metrics_after: Mapping[str, float]
    metrics_last: Mapping[str, float]
    best_metric: str | None = None
    best_step: int | None = None
    improved: bool | None = None
    advice: tuple[str, ...] = ()
    last_weights: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """The content of `run.json`. status: running, stopped, failed or finished."""

    argv: tuple[str, ...]
    seed: int
    world_size: int
    device: str
    data: tuple[DataRecord, ...]
    plan: tuple[Fact, ...]
    plugins: tuple[PluginRecord, ...] = ()
    fixed_models: tuple[ModelRecord, ...] = ()
    trust_remote_code: bool = False  # whether code that comes with models was let run
    variables: tuple[VariableRecord, ...] = ()
    adjusted: tuple[str, ...] = ()
    git: GitState | None = None
    versions: Mapping[str, str] = field(default_factory=lambda: installed_versions())
    system: str = field(default_factory=lambda: f"{platform.system()} {platform.machine()}")
    started: str = field(default_factory=lambda: _now())
    ended: str | None = None
    status: str = "running"
    result: RunResult | None = None

    def ended_as(self, status: str, result: RunResult | None = None) -> Self:
        """The same run, over."""
        return replace(self, status=status, result=result, ended=_now())

    def as_json(self) -> dict[str, object]:
        """Plain JSON values; the plan as one object, its keys the labels with underscores."""
        values = asdict(self) | {"plan": as_mapping(self.plan)}
        content = json_value(values)
        assert isinstance(content, dict)
        return content

    def write(self, path: Path, hide: Callable[[str], str] = str) -> None:
        """Write it in one piece, in place of an older one.

        Args:
            hide: takes out of the text what no file is to hold.

        Raises:
            RunError: it cannot be written.
        """
        text = json.dumps(self.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
        write_beside(path, hide(text) + "\n")


def read_record(path: Path) -> dict[str, object]:
    """What `RunRecord.write` wrote; empty where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def installed_versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
    """Version by name: embtune, Python, and those of `packages` that are installed."""
    versions = {"embtune": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_state(folder: Path) -> GitState | None:
    """The git commit of the working tree `folder` lies in; None where there is none, or no git."""
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return GitState(commit, bool(changes))


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
