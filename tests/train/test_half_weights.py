"""bf16 weights: what is trained stays float32, and loses nothing that bf16 would round away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.config.words import Precision
from embtune.model.load import load_model
from embtune.train.budget import EVERYTHING
from embtune.train.embed import EmbedSettings
from embtune.train.half_weights import HalfWeights
from embtune.train.optimizer import build_adamw
from embtune.train.outcome import read_scores
from embtune.train.precision import MixedPrecision
from embtune.train.step import run_step


def _engine(dropout: float) -> Engine:
    return engine("mnrl", examples(("anchor", "positive"), LabelKind.NONE), model=scratch_model(dropout=dropout))


def _step(made: Engine, half: HalfWeights | None, kept: int = EVERYTHING, budget: int = 256) -> float:
    """One step's gradients into the engine's parameters; its loss."""
    made.trainables.zero_grad(set_to_none=True)
    if half is not None:
        half.refresh()
    precision = MixedPrecision(Precision.BF16_WEIGHTS if half else Precision.FP32, torch.device("cpu"))
    settings = EmbedSettings(half.towers if half else made.towers, precision, False, kept)
    return read_scores(run_step(made.prepared(budget), made.objective, settings, 7))[0].loss


def _flat(gradients: dict[str, Tensor]) -> Tensor:
    return torch.cat([gradient.flatten() for gradient in gradients.values()])


def test_gradients_follow_float32_and_come_in_float32() -> None:
    made = _engine(dropout=0.0)
    exact_loss, exact = _step(made, None), made.gradients()
    loss, found = _step(made, HalfWeights(made.towers)), made.gradients()
    assert found.keys() == exact.keys()
    assert {gradient.dtype for gradient in found.values()} == {torch.float32}
    assert loss == pytest.approx(exact_loss, rel=0.02)
    assert torch.cosine_similarity(_flat(found), _flat(exact), dim=0) > 0.99


def test_recomputed_graphs_give_the_gradients_of_kept_ones_with_dropout_on() -> None:
    made = _engine(dropout=0.1)
    half = HalfWeights(made.towers)
    _step(made, half)
    kept = made.gradients()
    _step(made, half, kept=0)
    assert all(torch.equal(gradient, kept[name]) for name, gradient in made.gradients().items())


def test_micro_batches_are_added_up_in_float32() -> None:
    made = _engine(dropout=0.0)
    _step(made, HalfWeights(made.towers), budget=64)
    summed = _flat({name: each for name, each in made.gradients().items() if "layer" in name})
    assert (summed != summed.bfloat16().float()).float().mean() > 0.5


def test_steps_too_small_for_bf16_add_up() -> None:
    made = _engine(dropout=0.0)
    half = HalfWeights(made.towers)
    (master, copy), *_ = zip(made.model.encoder.parameters(), half.towers["model"].encoder.parameters(), strict=True)
    with torch.no_grad():
        master.fill_(1.0)
    for _ in range(64):
        with torch.no_grad():
            master.add_(2**-12)  # a 32nd of the distance of two bf16 numbers at 1
    half.refresh()
    assert (copy == 1 + 64 * 2**-12).all()


def test_only_the_encoders_weights_are_halved(plain_folder: Callable[[str], Path]) -> None:
    model = load_model(str(plain_folder("qwen3")), pooling="mean")
    copy = HalfWeights({"model": model}).towers["model"]
    assert {parameter.dtype for parameter in copy.encoder.parameters()} == {torch.bfloat16}
    assert {buffer.dtype for buffer in copy.encoder.buffers() if buffer.is_floating_point()} == {torch.float32}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    static = scratch_model("static?width=16")
    assert {each.dtype for each in HalfWeights({"model": static}).towers["model"].parameters()} == {torch.float32}


def test_new_copies_in_the_middle_change_nothing() -> None:
    weights = []
    for restarts in (False, True):
        made = _engine(dropout=0.1)
        half = HalfWeights(made.towers)
        optimizer = build_adamw(made.trainables, 1e-3, 0.01)
        for _ in range(3):
            half = HalfWeights(made.towers) if restarts else half
            _step(made, half)
            optimizer.step()
        weights.append(torch.cat([parameter.detach().flatten() for parameter in made.model.parameters()]))
    assert torch.equal(*weights)


def test_training_learns_as_well_as_in_float32() -> None:
    """The quality check: after 40 steps from the same start, the loss is that of float32 within a few per cent."""
    losses = {}
    for halved in (False, True):
        made = _engine(dropout=0.0)
        half = HalfWeights(made.towers) if halved else None
        optimizer = build_adamw(made.trainables, 1e-3, 0.01)
        for _ in range(40):
            losses[halved] = _step(made, half)
            optimizer.step()
    first = _step(_engine(dropout=0.0), None)
    assert losses[False] < 0.7 * first
    assert losses[True] == pytest.approx(losses[False], rel=0.05)
