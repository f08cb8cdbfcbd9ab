"""Gradients added row by row are those of the whole table."""

from __future__ import annotations

import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from test_loop import training
from torch import Tensor, nn

from embtune.catalog.spec import LabelKind
from embtune.config.sections.model import LoraConfig
from embtune.model.lora import add_lora
from embtune.train.loop import train
from embtune.train.state import TrainState
from embtune.train.token_gradients import add_by_row

PAIRS = (("anchor", "positive"), LabelKind.NONE)
KINDS = {"transformer": "transformer?layers=2&width=32&heads=2", "static": "static?width=32"}


def made_of(kind: str) -> Engine:
    return engine("mnrl", examples(*PAIRS), model=scratch_model(KINDS[kind], dropout=0.0))


@pytest.mark.parametrize("kind", list(KINDS))
def test_rows_add_up_to_the_gradient_of_the_table(kind: str) -> None:
    made = made_of(kind)
    made.step(budget=64)
    whole = made.gradients()
    add_by_row([made.model], torch.device("cpu"))
    made.step(budget=64)
    for name, gradient in made.gradients().items():
        assert gradient.layout == torch.strided
        torch.testing.assert_close(gradient, whole[name], rtol=1e-5, atol=1e-6)


def test_kept_and_recomputed_graphs_still_give_the_same_bits() -> None:
    made = made_of("transformer")
    add_by_row([made.model], torch.device("cpu"))
    made.step(budget=64)
    kept = made.gradients()
    made.step(budget=64, kept=0)
    assert all(torch.equal(gradient, kept[name]) for name, gradient in made.gradients().items())


def test_a_micro_batch_makes_no_table() -> None:
    """What its backward pass gives for the token vectors is as long as its tokens."""
    made = made_of("transformer")
    add_by_row([made.model], torch.device("cpu"))
    seen: list[int] = []  # rows of each; _nnz refuses a dense gradient

    def look(gradient: Tensor) -> None:
        seen.append(gradient._nnz())

    made.model.encoder.token_vectors.register_hook(look)  # type: ignore[no-untyped-call]
    outcome = made.step(budget=64)
    assert len(seen) == outcome.micro_batches
    assert all(0 < rows <= 64 for rows in seen)


def test_a_run_on_a_cpu_adds_by_row_and_a_gpu_would_not() -> None:
    made = training()
    list(train(made, TrainState()))
    (tower,) = made.towers.values()
    flags = [module.sparse for module in tower.modules() if isinstance(module, nn.Embedding)]
    assert flags.count(True) == 1
    add_by_row([tower], torch.device("cuda"))
    assert not any(module.sparse for module in tower.modules() if isinstance(module, nn.Embedding))


def test_low_rank_updates_of_a_static_model_are_trained() -> None:
    made = made_of("static")
    add_lora(made.model, LoraConfig(r=2), "a-name", None, seed=0)
    add_by_row([made.model], torch.device("cpu"))
    made.step(budget=64)
    assert any("lora_" in name and gradient.any() for name, gradient in made.gradients().items())
