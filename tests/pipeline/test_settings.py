"""What `auto` comes to, and a precision the machine cannot compute in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from small_run import write_config

from embtune.config import load_config
from embtune.config.words import BatchSampler, GradientCache, Precision
from embtune.pipeline.job import prepare, read_inputs
from embtune.report.progress import Several


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
