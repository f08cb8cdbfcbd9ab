"""Everything embtune raises on purpose, as a tree, and the one form in which a person sees it.

EmbtuneError            exit 1
├── UsageError          exit 2   the command line is wrong
├── ConfigError         exit 2   the config is wrong, or asks for what the data or model cannot give
├── ModelError          exit 2   a model folder that cannot be read
├── RunDirectoryError   exit 2   the output directory holds another run
├── DataError           exit 1   rows that cannot be used
├── RunError            exit 1   the run could not go on (disk full)
│   ├── CommonRunError  exit 1   the same, found by all processes of the run alike (non-finite loss)
│   └── LostProcess     exit 1   another process of the run is gone
└── Stopped             130/143  a signal ended the run after it had saved

Each carries *all* problems found, not the first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


@dataclass(frozen=True)
class Location:
    """A place in a file. `line` and `column` count from 1; None where they mean nothing."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """`path`, `path:line` or `path:line:column`, as editors and terminals link them."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True)
class Problem:
    """One mistake: what was found, where, and what to do about it."""

    code: str  # a stable word for scripts: "unknown-key", "null-text"
    message: str
    location: Location | None = None
    hint: str | None = None  # the remedy, as a sentence or as the line to write instead
    source_line: str | None = None  # the line of the file, shown above the caret
    caret_width: int = 1

    def render(self, kind: str = "error") -> str:
        """The problem as text, without colour and without a final newline. kind: `warning` where it is only that."""
        where = f"{self.location}: " if self.location else ""
        lines = [f"{where}{kind}[{self.code}]: {self.message}"]
        if self.source_line is not None and self.location and self.location.line:
            lines += self._excerpt(self.location.line, self.location.column or 1)
        if self.hint:
            lines.append(f"  help: {self.hint}")
        return "\n".join(lines)

    def _excerpt(self, line: int, column: int) -> list[str]:
        gutter = f"{line:>5} | "
        caret = " " * (column - 1) + "^" * max(1, self.caret_width)
        return [gutter + (self.source_line or ""), " " * 5 + " | " + caret]


class EmbtuneError(Exception):
    """Base of all. Holds the problems; `str()` renders them one under the other."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(problem.render() for problem in self.problems))

    @classmethod
    def of(cls, code: str, message: str, hint: str | None = None, location: Location | None = None) -> Self:
        """The error with a single problem."""
        return cls(Problem(code, message, location, hint))


class UsageError(EmbtuneError):
    """The command line is wrong."""

    exit_code = 2


class ConfigError(EmbtuneError):
    """The config is wrong, or asks for something this data or this model cannot give."""

    exit_code = 2


class ModelError(EmbtuneError):
    """A model folder or name that cannot be read."""

    exit_code = 2


class RunDirectoryError(EmbtuneError):
    """The output directory holds another run, or cannot be used."""

    exit_code = 2


class DataError(EmbtuneError):
    """Rows that cannot be used."""

    exit_code = 1


class RunError(EmbtuneError):
    """A run that started and could not go on."""

    exit_code = 1


class CommonRunError(RunError):
    """What every process of a run finds at the same place, so that one of them is enough to tell it."""


class LostProcess(RunError):
    """Another process of the run has ended, or does not answer; nothing is wrong with this one."""


class Stopped(EmbtuneError):
    """A signal asked the run to stop; the checkpoint is written. `signum` 2 gives 130, 15 gives 143."""

    def __init__(self, signum: int, message: str) -> None:
        super().__init__(Problem("stopped", message))
        self.signum = signum


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory was asked for and not there, the machine's or a device's; torch says it in several ways."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)
