"""The scores of the start, measured once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_run import write_config, write_pairs

from embtune.config import load_config
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress

KEPT = "are those of an earlier run"


def run(folder: Path, cache: Path | None, **changes: object) -> tuple[list[str], list[dict[str, object]]]:
    """What people saw, and the events of a run of five steps."""
    folder.mkdir()
    train = {"max_steps": 5, "batch_size": 8, "learning_rate": 0.003}
    config = write_config(folder, **({"train": train, "checkpoint": {"steps": 5}} | changes))
    if "data" in changes:
        write_pairs(folder / "dev.jsonl", rows=21, seed=1)
    lines: list[str] = []
    run_training(load_config(config), TrainRequest(cache=cache), PlainProgress(lines.append))
    return lines, [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]


def values(events: list[dict[str, object]]) -> list[object]:
    """Everything in the log that has nothing to do with time."""
    return [event.get("metrics") or event.get("loss") for event in events]


def said(lines: list[str]) -> bool:
    return any(KEPT in line for line in lines)


def test_the_second_run_takes_the_first_scores_over_and_is_the_same_run(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first_lines, first = run(tmp_path / "first", cache)
    second_lines, second = run(tmp_path / "second", cache)
    assert not said(first_lines)
    assert said(second_lines)
    assert len([line for line in second_lines if line.startswith("evaluating dev")]) == 1  # at the end
    assert len([line for line in first_lines if line.startswith("evaluating dev")]) == 2
    assert values(first) == values(second)
    assert first[0]["metrics"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"model": {"name_or_path": "scratch:transformer?layers=2&width=32", "max_seq_length": 5}},
        {"data": {"train": [{"path": "train.jsonl"}], "eval": [{"path": "dev.jsonl"}]}},
        {"train": {"max_steps": 5, "batch_size": 8, "micro_batch_tokens": 64}},
    ],
    ids=["weights", "length", "data", "budget"],
)
def test_another_model_or_other_data_is_measured_anew(tmp_path: Path, change: dict[str, object]) -> None:
    cache = tmp_path / "cache"
    run(tmp_path / "first", cache)
    lines, _ = run(tmp_path / "second", cache, **change)
    assert not said(lines)


def test_scores_that_are_not_whole_are_measured_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    _, first = run(tmp_path / "first", cache)
    (path,) = (cache / "scores").iterdir()
    path.write_text(path.read_text()[:-10])
    lines, second = run(tmp_path / "second", cache)
    assert not said(lines)
    assert values(first) == values(second)


def test_without_a_cache_nothing_is_kept(tmp_path: Path) -> None:
    run(tmp_path / "first", None)
    lines, _ = run(tmp_path / "second", None)
    assert not said(lines)
