"""Progress for a terminal: bars that move below, and above them the lines worth keeping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from embtune.report.events import CheckpointEvent, EvalEvent, StepEvent, WarningEvent
from embtune.report.facts import Fact
from embtune.report.gains import Gain
from embtune.report.pace import Pace, duration
from embtune.report.progress import Advance, Progress
from embtune.report.progress_plain import evaluation_line

_TOO_NARROW_FOR_RATES = 100  # columns
_ECHO = 3  # columns left free for the ^C that a terminal writes: on a full line it would break the bar in two


class RichProgress(Progress):
    """Bars for stages and for training, which show loss, speed and time left; everything else is printed once."""

    def __init__(self, stream: TextIO, no_color: bool = False) -> None:
        self._console = Console(file=stream, no_color=no_color or None, highlight=False)
        self._bars: Bars | None = None
        self._training: TaskID | None = None
        self._pace = Pace(0)

    def plan(self, facts: Sequence[Fact]) -> None:
        """Labels dim, values under each other."""
        table = Table.grid(padding=(0, 2, 0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for fact in facts:
            table.add_row(Text(fact.label), Text(fact.shown))
        self._console.print(Text("plan", style="bold"))
        self._console.print(table)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """A bar that leaves one line behind."""
        pace, done = Pace(total or 0), 0
        with self._showing() as bars:
            task = bars.add_task(name, total=total, detail="", left="")

            def advance(more: int) -> None:
                nonlocal done
                done += more
                bars.update(task, completed=done, left=_left(pace, done))

            yield advance
            bars.remove_task(task)
        self._print(f"{name}  {done:,}  {duration(pace.elapsed())}", "dim")

    @contextmanager
    def training(self, total_steps: int, first_step: int = 0) -> Iterator[None]:
        """The bar that `step` moves."""
        self._pace = Pace(total_steps, first_step)
        with self._showing() as bars:
            self._training = bars.add_task(
                "training",
                total=total_steps,
                completed=first_step,
                detail=f"waiting for step {first_step + 1}",
                left="",
            )
            try:
                yield
            finally:
                bars.stop_task(self._training)
                self._training = None

    def step(self, event: StepEvent, logged: bool) -> None:
        """Move the bar."""
        if self._bars is None or self._training is None:
            return
        detail = step_detail(event, self._console.width)
        self._bars.update(self._training, completed=event.step, detail=detail, left=_left(self._pace, event.step))

    def evaluation(self, event: EvalEvent, headline: Sequence[str]) -> None:
        """One line with the headline metrics."""
        self._print(evaluation_line(event, headline, self._pace.total), "cyan")

    def checkpoint(self, event: CheckpointEvent) -> None:
        """One line."""
        self._print(f"saved {event.path}", "dim")

    def warning(self, event: WarningEvent) -> None:
        """One line, marked."""
        self._print(f"warning: {event.message}", "bold yellow")

    def note(self, text: str) -> None:
        """One line."""
        self._print(text)

    def gains(self, rows: Sequence[Gain]) -> None:
        """A table, what fell in red."""
        if not rows:
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="bold")
        table.add_column("metric", overflow="fold")
        for name in ("before", "after", "gain"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            gain = Text(f"{row.gain:+.4f}", style="red" if row.is_worse else "green")
            table.add_row(Text(row.metric), f"{row.before:.4f}", f"{row.after:.4f}", gain)
        self._console.print(table)

    def _print(self, text: str, style: str = "") -> None:
        # Text, not markup: a data set may be called "[dev]"
        self._console.print(Text(text, style=style))

    @contextmanager
    def _showing(self) -> Iterator[Bars]:
        """The bars on the screen; an inner stage shares the outer one's."""
        if self._bars is not None:
            yield self._bars
            return
        self._bars = Bars(*_columns(), console=self._console, expand=True)
        try:
            # stdout stays the user's: only what others write to stderr is put above the bars
            with Live(get_renderable=self._lines, console=self._console, redirect_stdout=False, refresh_per_second=10):
                yield self._bars
        finally:
            self._bars = None

    def _lines(self) -> RenderableType:
        """The bars as they stand, at the terminal's width as it is now."""
        return Constrain(self._bars, self._console.width - _ECHO) if self._bars else ""


def step_detail(event: StepEvent, width: int) -> str:
    """What stands beside the training bar; on a wide terminal also learning rate and gradient norm."""
    parts = [f"loss {event.loss:.4f}"]
    if width >= _TOO_NARROW_FOR_RATES:
        parts += [f"lr {event.learning_rate:.1e}", f"grad {event.grad_norm:.2f}"]
    return "  ".join([*parts, f"{event.tokens_per_second:,.0f} tok/s"])


def _left(pace: Pace, done: int) -> str:
    """`1m12s left`; empty where there is no end, or it is reached."""
    return f"{duration(pace.remaining(done))} left" if done < pace.total else ""


class _Count(MofNCompleteColumn):
    """`1,200/12,000`; only what is done when the end is not known."""

    def render(self, task: Task) -> Text:
        done = f"{int(task.completed):,}" if task.completed or task.total else ""  # a stage that counts nothing
        return Text(done if task.total is None else f"{done}/{int(task.total):,}", style="progress.download")


def _columns() -> tuple[TextColumn | BarColumn | _Count, ...]:
    return (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        _Count(),
        TextColumn("{task.fields[detail]}", markup=False),
        TextColumn("{task.fields[left]}", style="progress.remaining", markup=False),
    )
