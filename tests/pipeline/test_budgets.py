"""The batch belongs to the loss: budgets of the machine leave the trained weights as they are."""

from __future__ import annotations

from pathlib import Path

import torch
from small_run import small_config, write_pairs
from yaml import safe_dump

from embtune.config import load_config
from embtune.pipeline.job import prepare
from embtune.report.progress import Several
from embtune.train.loop import train
from embtune.train.state import TrainState

STEPS = 5


def weights_after(folder: Path, budget: int, cache: str) -> dict[str, torch.Tensor]:
    """Train five steps of 256 rows without dropout, in fp32."""
    train_section = {"max_steps": STEPS, "batch_size": 256, "learning_rate": 2e-5, "micro_batch_tokens": budget}
    model = {"name_or_path": "scratch:transformer?layers=2&width=64", "dropout": 0.0}
    config = small_config(folder, model=model, train=train_section | {"precision": "fp32", "gradient_cache": cache})
    write_pairs(folder / "train.jsonl", rows=600)
    path = folder / "config.yaml"
    path.write_text(safe_dump(config))
    job = prepare(load_config(path), Several())
    reports = list(train(job.training, TrainState()))
    assert len(reports) == STEPS
    assert all(report.recomputed > 0 for report in reports) is (cache == "always")
    return {name: parameter.detach().clone() for name, parameter in job.training.trainables.trainable()}


def test_five_steps_give_the_same_weights_for_every_budget_kept_or_recomputed(tmp_path: Path) -> None:
    reference = weights_after(tmp_path, 16384, "never")
    for budget in (512, 2048, 16384):
        for cache in ("never", "always"):
            weights = weights_after(tmp_path, budget, cache)
            assert max(float((weights[name] - reference[name]).abs().max()) for name in weights) <= 1e-6
