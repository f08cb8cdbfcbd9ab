"""Every file in configs/ is documentation that runs: valid, with its header, and trained for two steps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import REPOSITORY

from embtune.catalog import all_specs
from embtune.config import load_config
from embtune.pipeline.health import SIGNS
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress, discard

CONFIGS = sorted((REPOSITORY / "configs").rglob("*.yaml"))
TINY = {
    "train.num_train_epochs": "null",
    "train.max_steps": 2,
    "train.batch_size": 8,
    "model.max_seq_length": 8,
    "eval.on_start": "false",
    "eval.steps": "null",
    "checkpoint.steps": "null",
}
SAMPLE_LIMIT = 2_000_000  # bytes: the samples stay small enough for a repository


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY / "configs"))


def header_of(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(lines[:end])


def data_paths(path: Path) -> list[Path]:
    loaded = load_config(path)
    datasets = [*loaded.config.data.train, *loaded.config.data.eval]
    return [loaded.base_dir / dataset.path for dataset in datasets]


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_config_is_valid(path: Path) -> None:
    assert load_config(path).config.version == 1


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_header_says_data_command_time_and_score(path: Path) -> None:
    header = header_of(path)
    for field in ("data", "command", "needs", "time", "score"):
        assert re.search(rf"^# {field}: +\S", header, re.MULTILINE), f"no '# {field}:' line"
    assert f"embtune train {path.relative_to(REPOSITORY)}" in header


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_keys_stand_in_the_order_of_the_data_flow(path: Path) -> None:
    written = re.findall(r"^(\w+):", path.read_text(encoding="utf-8"), re.MULTILINE)
    order = list(type(load_config(path).config).model_fields)
    assert written == [key for key in order if key in written]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where guides and teachers keep their vectors: configs that share one embed with it once."""
    return tmp_path_factory.mktemp("vectors")


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_config_trains(path: Path, tmp_path: Path, vectors: Path) -> None:
    missing = [str(data) for data in data_paths(path) if not data.exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    settings = {"output_dir": tmp_path / "run", **TINY}
    loaded = load_config(path, [f"{key}={value}" for key, value in settings.items()])
    result = run_training(loaded, TrainRequest(cache=vectors), PlainProgress(discard))
    assert result is not None
    assert result["steps"] == 2
    events = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    assert {event.get("code") for event in events}.isdisjoint(sign.code for sign in SIGNS)
    assert (tmp_path / "run" / "model" / "modules.json").is_file()


def test_every_loss_and_modifier_has_a_config_of_its_own() -> None:
    shown = {path.stem for path in CONFIGS if path.parent.name == "losses"}
    assert shown == {spec.alias for spec in all_specs()}


def test_samples_are_small_and_licensed() -> None:
    files = [path for path in (REPOSITORY / "configs" / "data").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < SAMPLE_LIMIT
    notice = (REPOSITORY / "configs" / "data" / "NOTICE.md").read_text(encoding="utf-8")
    for path in files:
        top = path.relative_to(REPOSITORY / "configs" / "data").parts[0]
        assert top == "NOTICE.md" or f"`{top}" in notice, f"{path} is not in NOTICE.md"
