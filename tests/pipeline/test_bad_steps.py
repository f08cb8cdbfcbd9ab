"""A step whose loss is not finite: its rows are written out and it is told once, whether the run stops or goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_run import write_config

from embtune.config import load_config
from embtune.errors import RunError
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress, discard

# after one step the weights are larger than the square of anything float32 holds
DIVERGING = {"max_steps": 6, "batch_size": 8, "learning_rate": 1e30, "max_grad_norm": None, "precision": "fp32",
             "lr_scheduler_type": "constant", "warmup_ratio": 0}  # fmt: skip


def diverge(folder: Path, on_non_finite: str) -> str:
    """Train a static model to its end, or to where it cannot go on; the message."""
    config = write_config(
        folder,
        model={"name_or_path": "scratch:static?width=16"},
        data={"train": [{"path": "train.jsonl"}]},
        eval={"on_start": False},
        train=DIVERGING | {"on_non_finite": on_non_finite},
    )
    with pytest.raises(RunError) as raised:
        run_training(load_config(config), TrainRequest(), PlainProgress(discard))
    return str(raised.value)


def warnings(run: Path) -> list[dict[str, object]]:
    events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [event for event in events if event["event"] == "warning" and event["code"] == "non-finite"]


@pytest.mark.parametrize("on_non_finite", ["stop", "skip"])
def test_the_rows_are_written_and_one_warning_names_the_file(tmp_path: Path, on_non_finite: str) -> None:
    message = diverge(tmp_path, on_non_finite)
    assert ("error[non-finite]" in message) is (on_non_finite == "stop")
    run = tmp_path / "run"
    (warning,) = warnings(run)  # of however many steps are like it
    assert "the loss is not finite" in str(warning["message"])
    (file,) = (run / "non_finite").iterdir()
    assert f"Its 8 rows are in non_finite/{file.name}" in str(warning["message"])
    assert (run / "train.log").read_text().count("is not finite") == 1
    data = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == 8
    for row in rows:
        path, _, line = row["place"].rpartition(":")
        assert Path(path).name == "train.jsonl"
        assert {key: row[key] for key in ("anchor", "positive")} == data[int(line) - 1]
