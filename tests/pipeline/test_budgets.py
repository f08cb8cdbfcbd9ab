"""The batch belongs to the loss: budgets of the machine leave the trained weights as they are, up to rounding.

AdamW divides a gradient by its own size, so one that is nothing but rounding moves its weight as far as any other does.
Such are the biases of attention keys: a softmax ignores what all keys have in common, and their true gradient is 0.
"""

from __future__ import annotations

from pathlib import Path

import torch
from small_models import MINILM, TEXTS
from small_run import small_config, write_pairs
from yaml import safe_dump

from embtune.config import load_config
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.pipeline.job import Job, prepare
from embtune.report.progress import Several
from embtune.train.loop import train
from embtune.train.state import TrainState

STEPS = 5
TOLERANCE = 1e-6
KEY_BIAS = "attention.self.key.bias"
ABOVE_ROUNDING = 100  # times the root mean square of how two budgets' gradients differ


def job_of(folder: Path, model: str, budget: int, cache: str) -> Job:
    """A job of five steps of 256 rows without dropout, in fp32."""
    train_section = {"max_steps": STEPS, "batch_size": 256, "learning_rate": 2e-5, "micro_batch_tokens": budget}
    config = small_config(
        folder,
        model={"name_or_path": model, "dropout": 0.0, "max_seq_length": 8},
        train=train_section | {"precision": "fp32", "gradient_cache": cache},
    )
    write_pairs(folder / "train.jsonl", rows=600)
    path = folder / "config.yaml"
    path.write_text(safe_dump(config))
    return prepare(load_config(path), Several())


def weights_of(job: Job) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in job.training.trainables.trainable()}


def weights_after(folder: Path, budget: int, cache: str) -> dict[str, torch.Tensor]:
    """Train a small transformer."""
    job = job_of(folder, "scratch:transformer?layers=2&width=64", budget, cache)
    reports = list(train(job.training, TrainState()))
    assert len(reports) == STEPS
    assert all(report.recomputed > 0 for report in reports) is (cache == "always")
    return weights_of(job)


def difference(left: torch.Tensor, right: torch.Tensor) -> float:
    """The largest; 0 of nothing."""
    return float((left - right).abs().max()) if left.numel() else 0.0


def test_five_steps_give_the_same_weights_for_every_budget_kept_or_recomputed(tmp_path: Path) -> None:
    reference = weights_after(tmp_path, 16384, "never")
    for budget in (512, 2048, 16384):
        for cache in ("never", "always"):
            weights = weights_after(tmp_path, budget, cache)
            assert max(difference(weights[name], reference[name]) for name in weights) <= TOLERANCE


def test_key_biases_have_no_influence_and_so_no_gradient() -> None:
    model = load_model(MINILM)
    before = encode_texts(model, TEXTS)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(KEY_BIAS):
                parameter.add_(torch.randn_like(parameter))
    assert abs(encode_texts(model, TEXTS) - before).max() < 1e-6


def gradients_of(job: Job) -> dict[str, torch.Tensor]:
    """Filled anew with the gradients of each step, before the optimiser uses them."""
    found: dict[str, torch.Tensor] = {}
    named = [(name, parameter) for name, parameter in job.training.trainables.trainable()]

    def look(*_: object) -> None:
        found.update({name: parameter.grad.clone() for name, parameter in named if parameter.grad is not None})

    job.training.optimizer.register_step_pre_hook(look)
    return found


def above_rounding(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Which gradients of a tensor are no mere rounding, judged by those of another budget; exactly equal ones are."""
    rounding = (left - right).double().pow(2).mean().sqrt()
    return (left.abs() > ABOVE_ROUNDING * rounding) | (left == right)


def test_minilm_differs_between_budgets_only_where_a_gradient_is_rounding(tmp_path: Path) -> None:
    jobs = [job_of(tmp_path, MINILM, budget, "never") for budget in (512, 16384)]
    left, right = (gradients_of(job) for job in jobs)
    sound = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights_of(jobs[0]).items()}
    for _ in zip(*(train(job.training, TrainState()) for job in jobs), strict=True):
        for name in left:
            sound[name] &= above_rounding(left[name], right[name])
    one, other = (weights_of(job) for job in jobs)
    assert max(difference(one[name][kept], other[name][kept]) for name, kept in sound.items()) <= TOLERANCE
    vectors = [encode_texts(job.model, TEXTS) for job in jobs]
    assert abs(vectors[0] - vectors[1]).max() <= TOLERANCE
    unsound = sum(int((~kept).sum()) for name, kept in sound.items() if not name.endswith(KEY_BIAS))
    assert unsound < 0.01 * sum(weight.numel() for weight in one.values())
    keys = [gradient for name, gradient in left.items() if name.endswith(KEY_BIAS)]
    assert max(float(gradient.abs().max()) for gradient in keys) < 1e-8
