"""`data.train[].hold_out`: rows that are evaluated on and never trained on, the same ones in every run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from small_run import write_config

from embtune.config import load_config
from embtune.errors import ConfigError
from embtune.pipeline.datasets import load_sets
from embtune.pipeline.evaluate_job import run_evaluation
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several
from embtune.report.progress_plain import PlainProgress, discard


def write(folder: Path, **changes: object) -> Path:
    data = {"train": [{"path": "train.jsonl", "name": "asked", "hold_out": 12}]}
    return write_config(folder, **({"data": data} | changes))


def run(config: Path) -> dict[str, object]:
    result = run_training(load_config(config), TrainRequest(), PlainProgress(discard))
    assert result is not None
    return result


def test_no_text_is_on_both_sides_and_the_seed_of_the_run_changes_nothing(tmp_path: Path) -> None:
    config = write(tmp_path)
    (train,), (held,) = load_sets(load_config(config))
    assert train.held_out is not None
    assert held.data is train.held_out
    assert (len(train.examples), len(train.held_out), held.config.name) == (48, 12, "asked")
    assert set(train.examples.texts).isdisjoint(train.held_out.texts)
    _, (other,) = load_sets(load_config(config, ["seed=99"]))
    assert other.data.fingerprint == held.data.fingerprint


def test_a_run_trains_without_them_measures_on_them_and_says_how_many(tmp_path: Path) -> None:
    after = run(write(tmp_path))["metrics_after"]
    assert isinstance(after, dict)
    assert "asked/ndcg@10" in after
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [(each["split"], each["rows"]) for each in record["data"]] == [("train", 48), ("eval", 12)]
    told = (tmp_path / "run" / "train.log").read_text()
    assert "48 rows  12 more held out for evaluation" in told
    steps = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert max(each["step"] for each in steps) == 18  # three epochs of 48 rows by 8
    assert run_evaluation(str(tmp_path / "run"), None, (), {}, Several()) == pytest.approx(after, abs=1e-5)


def test_a_stopped_run_goes_on_with_the_same_rows_held_out(tmp_path: Path) -> None:
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    run(write(tmp_path / "whole"))
    config = write(tmp_path / "stopped")

    class StopError(Exception):
        pass

    def stop(line: str) -> None:
        if line.strip().startswith("step 11/"):
            raise StopError

    with pytest.raises(StopError):
        run_training(load_config(config), TrainRequest(every_step=True), PlainProgress(stop))
    run(config)
    ours, theirs = (load_file(tmp_path / name / "run/model/model.safetensors") for name in ("stopped", "whole"))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)


def test_classes_of_pairs_are_judged_by_the_head_that_is_trained_on_the_others(tmp_path: Path) -> None:
    rows = [{"premise": f"a {i}", "hypothesis": f"b {i} {i % 3}", "label": f"class {i % 3}"} for i in range(60)]
    (tmp_path / "nli.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = {"train": [{"path": "nli.jsonl", "hold_out": 9}]}
    config = write(tmp_path, data=data, loss="SoftmaxLoss", model={"name_or_path": "scratch:static?width=16"})
    after = run(config)["metrics_after"]
    assert isinstance(after, dict)
    assert "nli/accuracy" in after
    assert run_evaluation(str(tmp_path / "run"), None, (), {}, Several()) == pytest.approx(after, abs=1e-5)


def test_rows_that_hang_together_are_refused_at_the_key(tmp_path: Path) -> None:
    config = write(tmp_path)
    same = [{"anchor": "all ask this", "positive": f"answer {i}"} for i in range(20)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in same))
    with pytest.raises(ConfigError) as caught:
        load_sets(load_config(config))
    (problem,) = caught.value.problems
    assert problem.code == "cannot-hold-out"
    assert problem.source_line is not None
    assert "hold_out: 12" in problem.source_line


def test_held_out_rows_that_nothing_can_measure_are_refused_before_training(tmp_path: Path) -> None:
    config = write(tmp_path, loss="DenoisingAutoEncoderLoss")
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"text": f"text {i}"}) + "\n" for i in range(40)))
    with pytest.raises(ConfigError, match="no evaluator") as caught:
        run(config)
    location = caught.value.problems[0].location
    assert location is not None
    assert location.line == 1 + next(i for i, line in enumerate(config.read_text().splitlines()) if "hold_out" in line)
