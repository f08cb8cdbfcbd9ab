"""Runs on sets whose texts are tokenised beside the first steps, and runs that find all tokens made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_run import write_config, write_pairs

from embtune.config import load_config
from embtune.data.filling import FillingStore
from embtune.data.tokens import Tokenised
from embtune.errors import RunError
from embtune.pipeline.facts import plan_facts
from embtune.pipeline.job import Job, prepare
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several
from embtune.report.progress_plain import PlainProgress
from embtune.train.loop import train
from embtune.train.state import TrainState

ROWS = 3000  # with two texts each: more than are tokenised at once
SHORT: dict[str, object] = {
    "model": {"name_or_path": "scratch:static?width=8", "max_seq_length": 6},
    "train": {"max_steps": 60, "batch_size": 64, "learning_rate": 0.01, "batch_sampler": "random"},
    "eval": {"on_start": False},
    "checkpoint": {"steps": 60},
    "logging": {"steps": 1},
}


def config(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    path = write_config(folder, **(SHORT | changes))
    write_pairs(folder / "train.jsonl", rows=ROWS)
    return path


def run(path: Path, cache: Path | None) -> tuple[list[str], dict[str, object]]:
    """What people saw, and `run.json`."""
    lines: list[str] = []
    run_training(load_config(path), TrainRequest(cache=cache), PlainProgress(lines.append))
    return lines, json.loads((path.parent / "run" / "run.json").read_text())


def prepared(path: Path, cache: Path | None = None) -> Job:
    return prepare(load_config(path), Several(), cache)


def losses(folder: Path) -> list[float]:
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return [event["loss"] for event in map(json.loads, lines) if event["event"] == "step"]


def test_runs_are_equal_whether_texts_are_tokenised_before_beside_or_never(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    beside, again, without = (config(tmp_path / name) for name in ("beside", "again", "without"))
    _, record = run(beside, cache)
    seen_again, record_again = run(again, cache)
    run(without, None)
    assert losses(beside.parent) == losses(again.parent) == losses(without.parent)
    assert len(losses(beside.parent)) == 60
    assert not any("beside the first steps" in line for line in seen_again)
    assert record["plan"] == record_again["plan"]


def test_what_the_plan_cannot_say_yet_is_said_when_all_texts_are_tokenised(tmp_path: Path) -> None:
    path = config(tmp_path / "first")
    lines, record = run(path, None)
    (tokens,) = [line for line in lines if "all texts are tokenised" in line]
    (warning,) = [line for line in lines if "are cut at 6 tokens" in line]
    assert lines.index(next(line for line in lines if line.startswith("plan"))) < lines.index(tokens)
    assert lines.index(tokens) < lines.index(warning)
    stored = prepared(config(tmp_path / "second")).training.tasks[0].rows
    total = int(stored.tokens(np.arange(ROWS)).sum())
    assert f"{total:,} tokens" in tokens
    assert isinstance(record["plan"], dict)
    assert record["plan"]["train_train"]["tokens"] == total
    assert record["plan"]["train_train"]["truncated_texts"] > 0


def test_a_dry_run_waits_for_all_tokens_to_plan_with_them(tmp_path: Path) -> None:
    lines: list[str] = []
    run_training(load_config(config(tmp_path)), TrainRequest(dry_run=True), PlainProgress(lines.append))
    assert any("of texts cut" in line for line in lines)
    assert any("are cut at 6 tokens" in line for line in lines)


def test_a_second_start_has_all_tokens_before_the_plan_and_asks_no_tokenizer(tmp_path: Path) -> None:
    path, cache = config(tmp_path), tmp_path / "cache"
    prepared(path, cache).filling.wait(Several())
    written = {each: each.stat().st_mtime_ns for each in (cache / "tokens").iterdir()}
    job = prepared(path, cache)
    assert not job.filling.waiting
    stores = {column.store.whole() for column in job.training.tasks[0].rows.columns.values()}
    assert [type(store.ids.base) for store in stores] == [np.memmap]
    assert "of texts cut" in next(fact.text for fact in plan_facts(job) if fact.label == "train train")
    assert {each: each.stat().st_mtime_ns for each in (cache / "tokens").iterdir()} == written


def test_a_damaged_store_is_told_of_and_made_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first, second = config(tmp_path / "first"), config(tmp_path / "second")
    run(first, cache)
    (store,) = (cache / "tokens").iterdir()
    whole = store.read_bytes()
    store.write_bytes(whole[:-1])
    lines, _ = run(second, cache)
    assert [line for line in lines if f"{store} is damaged" in line]
    assert losses(first.parent) == losses(second.parent)
    assert store.read_bytes() == whole


@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost"])
def test_a_run_that_goes_on_is_the_undisturbed_one_whether_its_tokens_are_kept_or_lost(
    tmp_path: Path, lost: bool
) -> None:
    whole, parted = config(tmp_path / "whole"), config(tmp_path / "parted", checkpoint={"steps": 20})
    run(whole, None)

    def stumble(line: str) -> None:
        if line.startswith("step 25/60"):
            raise RunError.of("stumbled", "for the test")

    with pytest.raises(RunError, match="for the test"):
        run_training(load_config(parted), TrainRequest(cache=tmp_path / "cache"), PlainProgress(stumble))
    lines, _ = run(parted, tmp_path / "another" if lost else tmp_path / "cache")
    assert "going on after step 20" in lines
    assert losses(whole.parent) == losses(parted.parent)


class BrokenError(Exception):
    """Something that no code of embtune raises."""


def broken(texts: Sequence[str]) -> Tokenised:
    raise BrokenError("no tokens today")


def test_what_breaks_in_the_background_ends_training_as_itself(tmp_path: Path) -> None:
    training = prepared(config(tmp_path)).training
    (task,) = training.tasks
    store = FillingStore(["a"] * 2 * ROWS, broken)
    columns = {view: replace(column, store=store) for view, column in task.rows.columns.items()}
    training.tasks = [replace(task, rows=replace(task.rows, columns=columns))]
    store.start()
    with pytest.raises(BrokenError, match="no tokens today"):
        list(train(training, TrainState()))
