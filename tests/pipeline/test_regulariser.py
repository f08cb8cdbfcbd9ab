"""A loss of any texts beside another loss, in whole runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run_embtune
from small_run import write_config

from embtune.config import load_config
from embtune.pipeline.job import prepare
from embtune.report.progress import Several

STATIC = {"name_or_path": "scratch:static?width=16&vocab=200"}
GOR = "GlobalOrthogonalRegularizationLoss"
SHORT = {"max_steps": 3, "batch_size": 8}


def test_ranking_and_regulariser_are_logged_apart(tmp_path: Path) -> None:
    losses = [{"name": "MultipleNegativesRankingLoss"}, {"name": GOR, "weight": 0.5}]
    config = write_config(tmp_path, model=STATIC, loss=losses, train=SHORT, logging={"steps": 1})
    done = run_embtune("train", config, "--progress", "plain")
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [event for event in map(json.loads, log) if event["event"] == "step"]
    assert len(steps) == SHORT["max_steps"]
    for step in steps:
        assert list(step["losses"]) == ["multiple_negatives_ranking", "gor_mean", "gor_second_moment"]
        assert sum(step["losses"].values()) == pytest.approx(step["loss"])
        assert all(value > 0 for value in step["losses"].values())


@pytest.mark.parametrize(
    ("row", "loss"),
    [
        ({"text": "{i} words of topic {c}", "topic": "{c}"}, "BatchHardTripletLoss"),
        ({"sentence1": "{i} words", "sentence2": "{c} words {i}", "grade": "0.{c}"}, "CoSENTLoss"),
        ({"anchor": "{i} words", "positive": "{c} words {i}", "negative": "{c} others {i}"}, "AnglELoss"),
    ],
)
def test_labels_that_only_values_betray_go_to_the_loss_beside(tmp_path: Path, row: dict[str, str], loss: str) -> None:
    rows = [{name: value.format(i=i, c=i % 3) for name, value in row.items()} for i in range(24)]
    lines = [{name: float(value) if name == "grade" else value for name, value in each.items()} for each in rows]
    data = {"train": [{"path": "rows.jsonl"}]}
    config = write_config(tmp_path, model=STATIC, data=data, loss=[loss, GOR], train=SHORT, eval={})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (task,) = prepare(load_config(config), Several()).training.tasks
    assert (task.rows.labels is None) is (loss == "AnglELoss")
    assert len(task.rows.columns) == sum(name not in ("topic", "grade") for name in row)
