import json
import math
from pathlib import Path

import pytest

from embtune.errors import RunError
from embtune.report.events import CheckpointEvent, EndEvent, EvalEvent, Event, StepEvent, WarningEvent
from embtune.report.metrics_log import MetricsLog, cut_back, read_events


def step(number: int, loss: float = 1.0) -> StepEvent:
    return StepEvent(number, number / 10, loss, {"mnrl": loss}, 1e-5, 1.0, number * 10, 10.0, float(number))


def write(path: Path, *events: Event) -> None:
    with MetricsLog.opened(path) as log:
        for event in events:
            log.write(event)


def kinds_and_steps(path: Path) -> list[tuple[object, object]]:
    return [(event["event"], event["step"]) for event in read_events(path)]


def test_every_line_is_a_whole_object_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with MetricsLog.opened(path) as log:
        log.write(step(1))
        assert json.loads(path.read_text())["step"] == 1


def test_a_loss_that_is_nan_is_null(tmp_path: Path) -> None:
    write(tmp_path / "metrics.jsonl", step(1, math.nan))
    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert line["loss"] is None
    assert line["losses"] == {"mnrl": None}


def test_opening_again_appends(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, step(1))
    write(path, step(2))
    assert kinds_and_steps(path) == [("step", 1), ("step", 2)]


def test_cutting_back_leaves_what_an_undisturbed_run_would_have_by_then(tmp_path: Path) -> None:
    disturbed, undisturbed = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    kept = (EvalEvent(0, 0.0, {"dev/map": 0.1}, 1.0), step(1), step(2), CheckpointEvent(2, 0.2, "checkpoints/step-2"))
    write(undisturbed, *kept)
    write(disturbed, *kept, step(3), EvalEvent(3, 0.3, {}, 1.0), CheckpointEvent(4, 0.4, "x"), EndEvent(2, 0.2, "s", 1))
    cut_back(disturbed, 2, 2)
    assert disturbed.read_text() == undisturbed.read_text()


def test_an_evaluation_that_the_checkpoint_does_not_know_of_is_made_again_and_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, EvalEvent(2, 0.2, {}, 1.0), step(3), step(4), CheckpointEvent(4, 0.4, "x"), EvalEvent(4, 0.4, {}, 1.0))
    cut_back(path, 4, 2)
    assert kinds_and_steps(path) == [("eval", 2), ("step", 3), ("step", 4), ("checkpoint", 4)]


def test_cutting_back_drops_a_line_that_was_only_half_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, step(1))
    with path.open("a") as stream:
        stream.write('{"event": "step", "st')
    cut_back(path, 5, 5)
    write(path, step(2))
    assert kinds_and_steps(path) == [("step", 1), ("step", 2)]


def test_cutting_back_to_minus_one_forgets_everything(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, EvalEvent(0, 0.0, {}, 1.0), step(1))
    cut_back(path, -1, -1)
    assert path.read_text() == ""


def test_cutting_back_a_log_that_is_not_there_makes_none(tmp_path: Path) -> None:
    cut_back(tmp_path / "metrics.jsonl", 3, 3)
    assert list(tmp_path.iterdir()) == []


def test_text_with_unicode_line_separators_stays_one_event(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, WarningEvent(1, 0.1, "odd", "a\u2028b\x85c\nd"))
    cut_back(path, 1, 1)
    assert [event["message"] for event in read_events(path)] == ["a\u2028b\x85c\nd"]


def test_a_log_in_a_directory_that_is_not_there_is_a_problem_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone/metrics\.jsonl"), MetricsLog.opened(tmp_path / "gone/metrics.jsonl"):
        pass
