"""A whole run by processes that share two models, stopped midway and gone on with by others: one ordinary folder."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from command import run_embtune
from process_command import ARGUMENTS, logged_step, start, wait_for
from small_run import write_config

from embtune.model.encode import encode_texts
from embtune.model.load import load_model

pytestmark = pytest.mark.distributed

SMALL = "scratch:transformer?layers=2&width=32&heads=2&length=32"
SETTINGS = {
    "model": {"name_or_path": SMALL, "query_name_or_path": SMALL},
    "train": {"max_steps": 60, "batch_size": 8, "learning_rate": 0.003, "parallel": "shard"},
    "eval": {"steps": 15},
    "checkpoint": {"steps": 15},
}


def test_a_shared_run_is_stopped_and_gone_on_with_by_more_processes(tmp_path: Path) -> None:
    config, run = write_config(tmp_path, **SETTINGS), tmp_path / "run"
    process = start(config, "--nproc", "2")
    wait_for(lambda: logged_step(run, 8), process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 143, stderr
    assert "parallel" in stderr
    (newest, *_) = sorted((run / "checkpoints").iterdir(), reverse=True)
    for part in ("weights", "optimizer"):
        assert len(list((newest / part).iterdir())) == 2, "a file of each process"

    done = run_embtune("train", config, *ARGUMENTS, "--nproc", "3")
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stderr
    result = json.loads((run / "run.json").read_text())["result"]
    assert result["steps"] == 60
    assert result["metrics_after"]["dev/ndcg@10"] > result["metrics_before"]["dev/ndcg@10"]
    assert np.isfinite(encode_texts(load_model(str(run / "model")), ["what is known about rivers"])).all()
