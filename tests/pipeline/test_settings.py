"""What `auto` comes to, and a precision the machine cannot compute in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from small_run import write_config

from embtune.config import load_config
from embtune.config.words import BatchSampler, GradientCache, Precision
from embtune.errors import ConfigError
from embtune.pipeline.job import prepare, read_inputs
from embtune.pipeline.notes import notes
from embtune.report.progress import Several
from embtune.train.loop import train
from embtune.train.state import TrainState


@pytest.mark.parametrize(
    ("loss", "asked", "decided"),
    [
        ("MultipleNegativesRankingLoss", "auto", GradientCache.AUTO),
        ("CachedMultipleNegativesRankingLoss", "auto", GradientCache.ALWAYS),
        ("CachedMultipleNegativesRankingLoss", "never", GradientCache.NEVER),
    ],
)
def test_a_cached_loss_is_its_plain_form_with_the_cache_on(
    tmp_path: Path, loss: str, asked: str, decided: GradientCache
) -> None:
    config = write_config(tmp_path, loss=loss, train={"gradient_cache": asked})
    settings = read_inputs(load_config(config), Several()).settings
    assert settings.gradient_cache is decided
    assert any("adjusted: train.gradient_cache" in note for note in settings.notes) is (asked == "auto" != decided)


def test_in_batch_negatives_are_sampled_without_duplicates(tmp_path: Path) -> None:
    settings = read_inputs(load_config(write_config(tmp_path)), Several()).settings
    assert settings.samplers == (BatchSampler.NO_DUPLICATES,)


def test_each_training_set_is_sampled_as_its_own_loss_needs(tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text(
        "".join(json.dumps({"text": f"text {row}", "label": f"kind{row % 3}"}) + "\n" for row in range(24))
    )
    sets = [{"path": "train.jsonl"}, {"path": "texts.jsonl", "loss": "BatchHardTripletLoss"}]
    loaded = load_config(write_config(tmp_path, data={"train": sets}))
    job = prepare(loaded, Several())
    assert job.inputs.settings.samplers == (BatchSampler.NO_DUPLICATES, BatchSampler.GROUP_BY_LABEL)
    classes = job.inputs.train_sets[1].examples.labels
    assert classes is not None
    batches = [job.training.schedule.at(step).batch for step in range(job.training.schedule.steps_per_epoch)]
    assert all(Counter(classes[batch.rows].tolist()).most_common()[-1][1] >= 2 for batch in batches if batch.dataset)


def test_a_cpu_computes_in_float32_unless_asked_otherwise(tmp_path: Path) -> None:
    settings = read_inputs(load_config(write_config(tmp_path)), Several()).settings
    if settings.device.type != "cpu":
        pytest.skip("needs a machine without a GPU")
    assert settings.precision is Precision.FP32


@pytest.mark.parametrize(("speedup", "decided"), [(1.1, Precision.FP32), (2.0, Precision.BF16), (0.0, Precision.FP32)])
def test_a_cpu_computes_in_bf16_where_that_was_measured_to_be_faster(
    tmp_path: Path, speedup: float, decided: Precision
) -> None:
    settings = read_inputs(load_config(write_config(tmp_path)), Several(), speedup).settings
    if settings.device.type != "cpu":
        pytest.skip("needs a machine without a GPU")
    assert settings.precision is decided


@pytest.mark.parametrize("precision", ["bf16", "bf16_weights"])
def test_a_cpu_that_bf16_would_kill_is_found_out_before_anything_is_read(tmp_path: Path, precision: str) -> None:
    loaded = load_config(write_config(tmp_path, train={"precision": precision}))
    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    with pytest.raises(ConfigError, match="bf16"):
        read_inputs(loaded, Several(), 0.0)


def test_with_bf16_weights_copies_compute_and_float32_is_trained(tmp_path: Path) -> None:
    loaded = load_config(write_config(tmp_path, train={"precision": "bf16_weights", "max_steps": 2}))
    job = prepare(loaded, Several(), bf16_speedup=1.0)
    before = {name: parameter.detach().clone() for name, parameter in job.model.named_parameters()}
    reports = list(train(job.training, TrainState()))
    assert len(reports) == 2
    assert {parameter.dtype for parameter in job.training.towers["model"].encoder.parameters()} <= {
        torch.bfloat16,
        torch.float32,
    }
    assert job.training.towers["model"] is not job.model
    assert any(not torch.equal(parameter, before[name]) for name, parameter in job.model.named_parameters())
    assert {parameter.dtype for parameter in job.model.parameters()} == {torch.float32}


def test_a_cpu_is_not_compiled_for_and_the_plan_says_so(tmp_path: Path) -> None:
    job = prepare(load_config(write_config(tmp_path)), Several())
    if job.training.precision.device.type != "cpu":
        pytest.skip("needs a machine without a GPU")
    assert job.computing.fact().text == "no: a CPU gains nothing by it"


def test_what_cannot_be_compiled_is_trained_as_it_is_and_told(tmp_path: Path) -> None:
    loaded = load_config(
        write_config(tmp_path, model={"name_or_path": "scratch:static?width=16"}, train={"compile": True})
    )
    assert any(note.startswith("train.compile has no effect") for note in notes(prepare(loaded, Several())))


def test_bf16_that_would_kill_the_process_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """Whether this CPU is such a one decides which of the two happens; neither is a silent death."""
    config = write_config(tmp_path, train={"max_steps": 1, "batch_size": 8, "precision": "bf16"})
    environment = {key: value for key, value in os.environ.items() if key != "ONEDNN_MAX_CPU_ISA"}
    command = [sys.executable, "-m", "embtune", "train", str(config)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    assert done.returncode == 2, done.stderr
    assert "ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16" in done.stderr
