"""Runs that train low-rank updates: resumed, merged, their adapter beside the model, and told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from killed_run import Case, checkpoint_tensors, config_of, finish, killed
from safetensors.numpy import load_file
from small_run import write_config

from embtune.config import load_config
from embtune.errors import ConfigError, RunDirectoryError
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.evaluate_job import run_evaluation
from embtune.pipeline.job import prepare
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several
from embtune.report.progress_plain import PlainProgress, discard

TEXTS = ["what is known about bees", "tides number 3", ""]
LORA = {"r": 2, "alpha": 8.0, "dropout": 0.2}
CASES = {
    "softmax": Case("pairs with a class", "SoftmaxLoss"),
    "contrastive tension": Case("text", "ContrastiveTensionLossInBatchNegatives"),
    "decoder": Case("text", "DenoisingAutoEncoderLoss"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model that runs can start from."""
    folder = tmp_path_factory.mktemp("base") / "model"
    save_model(load_model("scratch:transformer?layers=2&width=32", scratch_texts=lambda: TEXTS * 9), folder)
    return folder


def with_lora(config: Path, base: Path | str, **lora: object) -> Path:
    """The config with updates of a model; it evaluates nothing."""
    values = yaml.safe_load(config.read_text())
    values["model"] |= {"name_or_path": str(base), "lora": LORA | lora}
    values["train"]["head_learning_rate"] = 0.01
    config.write_text(yaml.safe_dump(values))
    return config


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path, base: Path, case: Case) -> None:
    undisturbed = with_lora(config_of(case, tmp_path / "undisturbed"), base)
    finish(undisturbed)
    config = with_lora(config_of(case, tmp_path / "killed"), base)
    killed(config, at_step=8)
    finish(config)
    left, right = (checkpoint_tensors(tmp_path / name / "run") for name in ("undisturbed", "killed"))
    assert left.keys() == right.keys()
    assert all((left[name] == right[name]).all() for name in left)
    towers = {name for name in left if name.startswith("towers.")}
    assert towers == {name for name in towers if "lora_" in name}
    assert len(towers) > 0


def test_a_run_does_not_go_on_over_another_base(tmp_path: Path, base: Path) -> None:
    own = tmp_path / "base"
    shutil.copytree(base, own)
    config = with_lora(config_of(CASES["softmax"], tmp_path / "run of it"), own)
    finish(config)
    record = tmp_path / "run of it" / "run" / "run.json"  # as a stopped run leaves it
    record.write_text(record.read_text().replace('"finished"', '"stopped"'))
    finish(config)
    record.write_text(record.read_text().replace('"finished"', '"stopped"'))
    save_model(load_model("scratch:transformer?layers=2&width=32", scratch_texts=lambda: TEXTS * 9, seed=9), own)
    with pytest.raises(RunDirectoryError, match=f"what {own} embeds has changed"):
        finish(config)


@pytest.fixture(scope="module", params=["transformer", "static"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """The folder of a finished run, with its base model in `base` and what it said in `said`."""
    folder = tmp_path_factory.mktemp(request.param)
    start = folder / "base"
    if request.param == "static":
        save_model(load_model("scratch:static?width=16&vocab=150", scratch_texts=lambda: TEXTS * 9), start)
    else:
        start.symlink_to(base)
    config = with_lora(write_config(folder, eval={"steps": 6, "on_start": False}), start)
    lines: list[str] = []
    run_training(load_config(config), TrainRequest(), PlainProgress(lines.append))
    (folder / "said").write_text("\n".join(lines))
    return folder


def test_the_model_that_is_saved_is_the_adapter_merged_into_its_base(trained: Path) -> None:
    run = trained / "run"
    merged, start = load_model(str(run / "model")), load_model(str(trained / "base"))
    assert merged.state_dict().keys() == start.state_dict().keys()
    vectors = encode_texts(merged, TEXTS)
    assert np.abs(vectors - encode_texts(start, TEXTS)).max() > 1e-3
    np.testing.assert_allclose(encode_texts(load_model(str(run / "adapter")), TEXTS), vectors, atol=1e-5, rtol=1e-5)
    adapter = json.loads((run / "adapter" / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == str(trained / "base")
    assert sorted(path.name for path in (run / "model").iterdir() if "adapter" in path.name) == []


def test_the_best_weights_are_the_ones_that_are_merged(trained: Path) -> None:
    record = json.loads((trained / "run" / "run.json").read_text())["result"]
    measured = run_evaluation(str(trained / "run"), None, (), {}, PlainProgress(discard))
    assert measured == pytest.approx(record["metrics_after"], abs=1e-6)


def test_plan_and_card_tell_what_is_trained(trained: Path) -> None:
    plan = (trained / "said").read_text()
    kept = trained_parameters(trained / "run")
    assert f"{kept:,} of them trained" in plan
    assert "rank 2, alpha 8, dropout 0.2; all-linear" in plan
    assert "0.01, of everything else 0.003" in plan
    assert "train.head_learning_rate has no effect" in plan
    assert f"adapter, for PEFT: {trained / 'run' / 'adapter'}" in plan
    card = (trained / "run" / "model" / "README.md").read_text()
    assert "rank 2, alpha 8" in card
    assert "train.head_learning_rate" in card


def trained_parameters(run: Path) -> int:
    """Parameters in the last checkpoint."""
    last = max((run / "checkpoints").iterdir())
    return sum(tensor.size for tensor in load_file(last / "weights.safetensors").values())


def test_a_module_that_is_not_there_is_told_at_its_line(tmp_path: Path, base: Path) -> None:
    config = with_lora(write_config(tmp_path), base, target_modules=["qurey"])
    with pytest.raises(ConfigError) as caught:
        prepare(load_config(config), Several())
    assert "error[unknown-module]: the model has no linear map or embedding called 'qurey'" in str(caught.value)
    assert "Did you mean 'query'?" in str(caught.value)
    (problem,) = caught.value.problems
    assert problem.source_line is not None
    assert "target_modules" in problem.source_line


def test_without_peft_the_config_is_refused_with_the_command(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_lora(write_config(tmp_path), base)
    load_config(config)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError) as caught:
        load_config(config)
    (problem,) = caught.value.problems
    assert problem.code == "missing-package"
    assert problem.hint == "pip install 'embtune[lora]'"
    assert problem.location is not None
    assert "lora" in config.read_text().splitlines()[(problem.location.line or 0) - 1]
