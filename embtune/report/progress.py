"""What a run shows of itself while it goes on: one protocol, several readers. All of it is for stderr."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from enum import Enum
from typing import TextIO

from embtune.report.events import CheckpointEvent, EvalEvent, StepEvent, WarningEvent
from embtune.report.facts import Fact
from embtune.report.gains import Gain

Advance = Callable[[int], None]
"""Say that so many more units of a stage are done."""


class ProgressMode(Enum):
    """Who reads. AUTO is RICH on a terminal and PLAIN in a file; NONE shows warnings only."""

    AUTO = "auto"
    RICH = "rich"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


class Progress(ABC):
    """Base of all displays. Calls come from one thread, in the order of the run."""

    @abstractmethod
    def plan(self, facts: Sequence[Fact]) -> None:
        """What is going to happen."""

    @abstractmethod
    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Something with a length, such as tokenising or an evaluation; also inside `training`.

        Inside the context the function it gives says how many of `total` units are further done. None: not known.
        """

    @abstractmethod
    def training(self, total_steps: int, first_step: int = 0) -> AbstractContextManager[None]:
        """The steps after `first_step` up to `total_steps`, each told by `step`."""

    @abstractmethod
    def step(self, event: StepEvent, logged: bool) -> None:
        """A step inside `training`. `logged`: it is one of those that `logging.steps` asks a line for."""

    @abstractmethod
    def evaluation(self, event: EvalEvent, headline: Sequence[str]) -> None:
        """Results. `headline`: the few metrics to show where there is room for one line only."""

    @abstractmethod
    def checkpoint(self, event: CheckpointEvent) -> None:
        """A checkpoint was written."""

    @abstractmethod
    def warning(self, event: WarningEvent) -> None:
        """Something the user should know, whatever they asked to see."""

    @abstractmethod
    def note(self, text: str) -> None:
        """One sentence on what is done and why (`adjusted: key old -> new (reason)`)."""

    @abstractmethod
    def gains(self, rows: Sequence[Gain]) -> None:
        """The metrics before and after."""


class Several(Progress):
    """Tells every one of `displays`; with none, the silence of a process that is not the first."""

    def __init__(self, displays: Sequence[Progress] = ()) -> None:
        self.displays = displays

    def plan(self, facts: Sequence[Fact]) -> None:
        """To each."""
        for display in self.displays:
            display.plan(facts)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """To each."""
        with ExitStack() as stack:
            advances = [stack.enter_context(display.stage(name, total)) for display in self.displays]

            def advance(done: int) -> None:
                for each in advances:
                    each(done)

            yield advance

    @contextmanager
    def training(self, total_steps: int, first_step: int = 0) -> Iterator[None]:
        """To each."""
        with ExitStack() as stack:
            for display in self.displays:
                stack.enter_context(display.training(total_steps, first_step))
            yield

    def step(self, event: StepEvent, logged: bool) -> None:
        """To each."""
        for display in self.displays:
            display.step(event, logged)

    def evaluation(self, event: EvalEvent, headline: Sequence[str]) -> None:
        """To each."""
        for display in self.displays:
            display.evaluation(event, headline)

    def checkpoint(self, event: CheckpointEvent) -> None:
        """To each."""
        for display in self.displays:
            display.checkpoint(event)

    def warning(self, event: WarningEvent) -> None:
        """To each."""
        for display in self.displays:
            display.warning(event)

    def note(self, text: str) -> None:
        """To each."""
        for display in self.displays:
            display.note(text)

    def gains(self, rows: Sequence[Gain]) -> None:
        """To each."""
        for display in self.displays:
            display.gains(rows)


def make_progress(mode: ProgressMode, stream: TextIO, no_color: bool = False) -> Progress:
    """The display for `mode`, writing to `stream` (stderr). `no_color`: the user set NO_COLOR."""
    # each display is imported when chosen: rich costs a tenth of a second that a log file need not pay
    if mode is ProgressMode.AUTO:
        mode = ProgressMode.RICH if stream.isatty() else ProgressMode.PLAIN
    if mode is ProgressMode.RICH:
        from embtune.report.progress_rich import RichProgress

        return RichProgress(stream, no_color)
    if mode is ProgressMode.JSON:
        from embtune.report.progress_json import JsonProgress

        return JsonProgress(stream)
    from embtune.report.progress_plain import PlainProgress, discard, line_writer

    write = line_writer(stream)
    return PlainProgress(write) if mode is ProgressMode.PLAIN else PlainProgress(discard, warn=write)
