import contextlib
import io
import json
import os
import pty
import re
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from embtune.report.events import CheckpointEvent, EvalEvent, StepEvent, WarningEvent
from embtune.report.facts import Fact
from embtune.report.gains import Gain
from embtune.report.pace import Pace
from embtune.report.progress import Progress, ProgressMode, Several, make_progress
from embtune.report.progress_json import JsonProgress
from embtune.report.progress_plain import PlainProgress, step_line
from embtune.report.progress_rich import RichProgress, step_detail


class FixedClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def step(number: int, loss: float = 0.8123) -> StepEvent:
    return StepEvent(number, number / 60, loss, {"mnrl": loss}, 4.2e-5, 1.306, number * 100, 3912.4, float(number))


def small_run(progress: Progress, work: Callable[[], None] = lambda: None) -> None:
    """Everything a run shows, once."""
    progress.plan([Fact("rows", 12000), Fact("batch size", 64)])
    progress.note("adjusted: train.precision auto -> fp32 (no GPU)")
    with progress.stage("tokenising", 300) as advance:
        for _ in range(3):
            work()
            advance(100)
    with progress.training(120, first_step=0):
        for number in (1, 40):
            work()
            progress.step(step(number), logged=number == 40)
        with progress.stage("evaluating [dev]") as advance:
            advance(7)
        progress.evaluation(EvalEvent(40, 0.67, {"dev/ndcg@10": 0.5, "dev/map@100": 0.4}, 3.1), ["dev/ndcg@10"])
        progress.checkpoint(CheckpointEvent(40, 0.67, "checkpoints/step-000040"))
    progress.gains([Gain("[dev]/ndcg@10", 0.5, 0.4)])
    progress.warning(WarningEvent(120, 2.0, "worse", "The model got worse."))


def test_plain_progress_is_one_readable_line_a_thing() -> None:
    lines: list[str] = []
    clock = FixedClock()

    def work() -> None:
        clock.now += 10.0

    small_run(PlainProgress(lines.append, clock=clock), work)
    assert lines == [
        "plan",
        "  rows        12,000",
        "  batch size  64",
        "adjusted: train.precision auto -> fp32 (no GPU)",
        "tokenising  300/300  eta 0.0s",
        "tokenising  300  30s",
        "step  40/120  epoch 0.67  loss 0.8123  lr 4.2e-05  grad 1.31  3,912 tok/s  eta 40s",
        "evaluating [dev]  7  0.0s",
        "step  40/120  evaluation  dev/ndcg@10 0.5000  3.1s",
        "saved checkpoints/step-000040",
        "  metric           before     after      gain",
        "  [dev]/ndcg@10    0.5000    0.4000   -0.1000",
        "warning: The model got worse.",
    ]


def test_step_lines_of_a_run_are_aligned() -> None:
    assert step_line(step(7), 120, 72.0).index("epoch") == step_line(step(120), 120, 0.0).index("epoch")


def test_json_progress_is_one_object_a_line() -> None:
    stream = io.StringIO()
    small_run(JsonProgress(stream, FixedClock()))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == [
        "plan", "note", "stage", "stage", "training", "step", "stage", "stage", "eval", "checkpoint", "gains",
        "warning",
    ]  # fmt: skip
    assert events[0]["plan"] == {"rows": 12000, "batch_size": 64}
    assert events[3] == {"event": "stage", "name": "tokenising", "done": 300, "total": 300, "seconds": 0.0}
    assert events[8]["metrics"] == {"dev/ndcg@10": 0.5, "dev/map@100": 0.4}


def test_json_progress_has_no_nan() -> None:
    stream = io.StringIO()
    JsonProgress(stream).step(step(1, float("nan")), logged=True)
    assert json.loads(stream.getvalue())["loss"] is None


def test_no_progress_still_shows_warnings() -> None:
    stream = io.StringIO()
    small_run(make_progress(ProgressMode.NONE, stream))
    assert stream.getvalue() == "warning: The model got worse.\n"


def test_several_displays_are_all_told_and_none_is_silence() -> None:
    left: list[str] = []
    right: list[str] = []
    clock = FixedClock()
    small_run(Several([PlainProgress(left.append, clock=clock), PlainProgress(right.append, clock=clock)]))
    small_run(Several())
    assert left == right
    assert len(left) == 12


def test_auto_is_plain_in_a_file_and_rich_on_a_terminal() -> None:
    assert isinstance(make_progress(ProgressMode.AUTO, io.StringIO()), PlainProgress)
    leader, follower = pty.openpty()
    with os.fdopen(leader, "wb"), os.fdopen(follower, "w") as terminal:
        assert isinstance(make_progress(ProgressMode.AUTO, terminal), RichProgress)


def on_a_terminal(no_color: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a small run writes to a terminal of 80 columns."""
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    leader, follower = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(read_to_the_end(leader)))
    reader.start()  # a terminal holds only a few kilobytes until somebody reads them
    with os.fdopen(follower, "w", encoding="utf-8") as terminal:
        small_run(make_progress(ProgressMode.RICH, terminal, no_color))
    reader.join()
    os.close(leader)
    return b"".join(shown).decode()


def read_to_the_end(descriptor: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):  # Linux says "I/O error" where a pipe would say "end"
        while chunk := os.read(descriptor, 4096):
            yield chunk


def test_rich_progress_shows_bars_and_tells_everything_that_plain_does(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(False, monkeypatch)
    for words in ("12,000", "adjusted:", "tokenising", "300", "training", "loss 0.8123", "3,912 tok/s", "saved check",
                  "evaluating [dev]", "[dev]/ndcg@10", "-0.1000", "warning: The model got worse."):  # fmt: skip
        assert words in shown
    assert "\x1b[1;33m" in shown  # bold yellow


def test_bars_leave_room_for_the_sign_of_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_a_terminal(False, monkeypatch))
    bars = [line for line in re.split(r"[\r\n]+", plain) if line.startswith("training")]
    assert bars
    assert max(map(len, bars)) + len("^C") < 80


def test_the_first_step_of_a_session_is_named_before_it_is_done() -> None:
    stream = io.StringIO()
    with RichProgress(stream).training(24, first_step=10):
        pass
    assert "10/24 waiting for step 11" in stream.getvalue()


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(True, monkeypatch)
    assert "\x1b[1;33m" not in shown
    assert "\x1b[31m" not in shown


def test_a_wide_terminal_shows_more_beside_the_bar() -> None:
    assert step_detail(step(1), 80) == "loss 0.8123  3,912 tok/s"
    assert step_detail(step(1), 120) == "loss 0.8123  lr 4.2e-05  grad 1.31  3,912 tok/s"


def test_rich_progress_leaves_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    progress = RichProgress(io.StringIO())
    with progress.training(3), progress.stage("evaluating", 2):
        sys.stdout.write("data\n")
    assert capsys.readouterr().out == "data\n"


def test_a_failure_inside_training_takes_the_bars_away() -> None:
    progress = RichProgress(io.StringIO())
    with pytest.raises(ValueError, match="inside"), progress.training(3), progress.stage("evaluating", 2):
        raise ValueError("inside")
    with progress.training(3):
        progress.step(step(1), logged=True)


def test_pace_of_nothing_is_unknown() -> None:
    assert Pace(0).remaining(0) is None
