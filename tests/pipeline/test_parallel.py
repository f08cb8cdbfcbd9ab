"""When processes share a model: where it does not fit, or on request; and what is refused, with a way out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_run import write_config
from torch import nn

from embtune.config import load_config
from embtune.config.words import Precision
from embtune.errors import ConfigError
from embtune.pipeline.job import Job, prepare
from embtune.pipeline.parallel import decide_parallel
from embtune.report.progress import Several
from embtune.train.shard_choice import ShardChoice, choose_shards, training_bytes
from embtune.world import World

TWO = World(0, 2, 0, 2)
STATIC = {"name_or_path": "scratch:static?width=16"}
TEXTS = {"train": [{"path": "train.jsonl", "columns": {"text": "anchor"}}]}


def decided(folder: Path, *overrides: str, world: World = TWO, **changes: object) -> ShardChoice:
    """What `train.parallel` comes to for a small run by two processes."""
    return choice_of(prepare(load_config(write_config(folder, **changes), overrides), Several()), world)


def choice_of(job: Job, world: World) -> ShardChoice:
    objectives = [task.objective for task in job.training.tasks]
    return decide_parallel(job.loaded, job.inputs.settings, job.training.towers, objectives, world)


def test_a_model_that_fits_is_whole_in_each_process(tmp_path: Path) -> None:
    choice = decided(tmp_path)
    assert not choice.wanted
    assert "weights, gradients and optimiser state take 0.0 GB of the " in choice.reason


def test_what_does_not_fit_is_shared_if_it_can_be() -> None:
    """16 bytes a trained weight: itself, its gradient, two moments; 4 one that is not; 2 more for a copy in bf16."""
    weights = [nn.Parameter(torch.empty(10)), nn.Parameter(torch.empty(100), requires_grad=False)]
    assert training_bytes(weights, half=False) == 16 * 10 + 4 * 100
    assert training_bytes(weights, half=True) == 18 * 10 + 6 * 100
    assert not choose_shards(80, 100, None).wanted
    assert choose_shards(81, 100, None).wanted
    refused = choose_shards(81, 100, "it has no layers")
    assert not refused.wanted
    assert refused.reason.endswith("but it has no layers")


def test_what_is_asked_for_is_done(tmp_path: Path) -> None:
    asked = ["train.parallel=shard"]
    assert decided(tmp_path, *asked).wanted
    assert not decided(tmp_path, *asked, world=World()).wanted
    assert not decided(tmp_path, "train.parallel=replicate").wanted


@pytest.mark.parametrize(
    ("overrides", "changes", "said", "way_out"),
    [
        ([], {"model": STATIC}, "StaticEmbedding model has no layers", "replicate"),
        (["train.compile=true"], {}, "not compiled", "leave train.compile out"),
        ([], {"loss": "TSDAE", "data": TEXTS}, "shares", "weights of its own"),
    ],
)
def test_what_cannot_be_shared_is_refused_where_it_was_asked_for(
    tmp_path: Path, overrides: list[str], changes: dict[str, Any], said: str, way_out: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        decided(tmp_path, "train.parallel=shard", *overrides, **changes)
    (problem,) = caught.value.problems
    assert problem.code == "cannot-shard"
    assert way_out in (problem.hint or "")
    assert str(problem.location).startswith("<command line>")


def test_fp16_is_refused(tmp_path: Path) -> None:
    job = prepare(load_config(write_config(tmp_path), ["train.parallel=shard"]), Several())
    half = replace(job, inputs=replace(job.inputs, settings=replace(job.inputs.settings, precision=Precision.FP16)))
    with pytest.raises(ConfigError, match="fp16") as caught:
        choice_of(half, TWO)
    assert "bf16" in (caught.value.problems[0].hint or "")
