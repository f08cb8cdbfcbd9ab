"""`embtune evaluate` without anything to evaluate on: which file lacks what, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_run import write_config

from embtune.config import load_config
from embtune.errors import ConfigError
from embtune.pipeline.evaluate_job import run_evaluation
from embtune.report.progress import Several


def refusal(model: Path, config: Path | None) -> str:
    with pytest.raises(ConfigError) as caught:
        run_evaluation(str(model), None if config is None else str(config), (), {}, Several())
    assert [problem.code for problem in caught.value.problems] == ["nothing-to-evaluate"]
    return str(caught.value)


def without_evaluation(folder: Path) -> Path:
    return write_config(folder, data={"train": [{"path": "train.jsonl"}]}, eval={"on_start": False})


def test_a_config_without_evaluation_sets_is_located_where_they_would_be(tmp_path: Path) -> None:
    config = without_evaluation(tmp_path)
    line = next(n for n, text in enumerate(config.read_text().splitlines(), 1) if text.startswith("data:"))
    message = refusal(tmp_path / "model", config)
    assert message.startswith(f"{config}:{line}:")
    assert "data.eval names no set" in message
    assert "eval: [{path: dev.jsonl}]" in message


def test_a_run_without_evaluation_sets_is_answered_with_the_command_that_takes_a_config(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.resolved.yaml").write_text(load_config(without_evaluation(tmp_path)).resolved_yaml())
    assert f"embtune evaluate {run} CONFIG" in refusal(run, None)
