"""Steps with low-rank updates: the gradients are those of one plain backward pass, however the work is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.model.embedder import TextEmbedder
from embtune.model.lora import add_lora
from embtune.train import embed
from embtune.train.checkpoint import trainable_tensors
from embtune.train.seeds import drawing_from

PAIRS = (("anchor", "positive"), LabelKind.NONE)
KINDS = {"transformer": "transformer?layers=2&width=32&heads=2", "static": "static?width=16&vocab=120"}


@dataclass(frozen=True)
class Choice:
    """Updates with dropout, or without."""

    dropout: float
    r: int = 2
    alpha: float = 4.0
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"


def updated_model(kind: str, dropout: float) -> TextEmbedder:
    """A model without dropout of its own; its updates have some, and are no longer zero."""
    model = scratch_model(KINDS[kind], dropout=0.0)
    add_lora(model, Choice(dropout), "a-name", None, seed=3)
    torch.manual_seed(4)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.2)
    return model.train()


def largest_difference(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """Of any gradient component, in units of the largest of all."""
    assert left.keys() == right.keys()
    scale = max(float(gradient.abs().max()) for gradient in left.values())
    return max(float((left[name] - right[name]).abs().max()) for name in left) / scale


@pytest.mark.parametrize("kind", KINDS)
def test_recomputed_gradients_are_the_kept_ones_under_dropout_of_the_updates(kind: str) -> None:
    made = engine("mnrl", examples(*PAIRS), model=updated_model(kind, dropout=0.3))
    made.step(budget=64)
    kept = made.gradients()
    outcome = made.step(budget=64, kept=0)
    assert outcome.recomputed == outcome.micro_batches > 1
    assert largest_difference(made.gradients(), kept) <= 1e-6
    assert all(float(gradient.abs().max()) > 0 for gradient in kept.values())


def test_without_replay_of_the_updates_dropout_the_recomputed_gradient_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: the dropout of the updates is there, and the only one."""
    made = engine("mnrl", examples(*PAIRS), model=updated_model("transformer", dropout=0.3))
    made.step(budget=64)
    right = made.gradients()
    calls = iter(range(10_000))
    monkeypatch.setattr(embed, "drawing_from", lambda seed, *rest: drawing_from(seed + next(calls), *rest))
    made.step(budget=64, kept=0)
    assert largest_difference(made.gradients(), right) > 1e-2


@pytest.mark.parametrize("kind", KINDS)
def test_the_step_equals_one_plain_backward_pass(kind: str) -> None:
    made = engine("mnrl", examples(*PAIRS), model=updated_model(kind, dropout=0.0))
    outcome = made.step(budget=100, kept=0, block=5)
    gradients = made.gradients()
    loss = _plain_ranking_loss(made)
    made.trainables.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    assert outcome.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert largest_difference(made.gradients(), gradients) <= 2e-5


def _plain_ranking_loss(made: Engine) -> Tensor:
    columns = []
    for column in made.rows.columns.values():
        features = made.model.collate(column.store.gather(column.text_of_row))
        columns.append(torch.nn.functional.normalize(made.model(features)[-1]))
    return torch.nn.functional.cross_entropy(20.0 * columns[0] @ columns[1].T, torch.arange(len(columns[0])))


def test_equal_texts_have_dropout_masks_of_their_own() -> None:
    data = examples(*PAIRS)
    data.text_ids["positive"][:] = data.text_ids["anchor"]
    tokens = {
        dropout: engine("mnrl", data, model=updated_model("transformer", dropout)).step().tokens
        for dropout in (0.0, 0.3)
    }
    assert tokens[0.3] == 2 * tokens[0.0]


def test_only_updates_and_heads_are_trained_and_kept_in_checkpoints() -> None:
    data = examples(("sentence_A", "sentence_B"), LabelKind.CLASS)
    made = engine("SoftmaxLoss", data, model=updated_model("transformer", dropout=0.0))
    made.step()
    kept = trainable_tensors(made.trainables)
    assert kept.keys() == made.gradients().keys()
    assert {"lora_" in name for name in kept if name.startswith("towers.")} == {True}
    assert any(name.startswith("objectives.") for name in kept)
