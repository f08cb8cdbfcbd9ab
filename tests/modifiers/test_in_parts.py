"""A decoder beside a loss whose rows interact: the same numbers from some rows at a time, in bounded memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from denoising_case import denoising_batch, denoising_objective, target_ids
from largest_tensor import LargestTensor
from objectives import built
from small_models import TEXTS, save_plain
from torch import Tensor

from embtune.losses.denoising_auto_encoder import DenoisingAutoEncoder
from embtune.losses.objective import Batch, Objective
from embtune.model.dropout import override_in_modules
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.modifiers.in_parts import terms_in_parts
from embtune.modifiers.weighted import WeightedSum


@pytest.fixture
def model(tmp_path: Path) -> TextEmbedder:
    """A small BERT without dropout."""
    save_plain("bert", tmp_path / "bert")
    return load_model(str(tmp_path / "bert"), dropout=0.0)


def batch_of(model: TextEmbedder, rows: int) -> Batch:
    """Texts of different lengths, over and over, whose vectors want gradients."""
    torch.manual_seed(1)
    tokens = target_ids(model, [TEXTS[row % len(TEXTS)] for row in range(rows)])
    return denoising_batch(torch.randn(rows, 32, requires_grad=True), tokens)


def gradients(terms: dict[str, Tensor], loss: Objective, batch: Batch) -> list[Tensor]:
    """Of the sum, in the vectors and everything trainable."""
    wanted = [*batch.embeddings.values(), *loss.parameters()]
    return list(torch.autograd.grad(torch.stack(list(terms.values())).sum(), wanted, materialize_grads=True))


def assert_alike(found: list[Tensor], wanted: list[Tensor], tolerance: float) -> None:
    scale = max(float(each.abs().max()) for each in wanted)
    assert max(float((a - b).abs().max()) for a, b in zip(found, wanted, strict=True)) <= tolerance * scale


@pytest.mark.parametrize("targets_at_once", [1, 50, 100])
def test_parts_give_value_and_gradients_of_the_whole(model: TextEmbedder, targets_at_once: int) -> None:
    loss, batch = denoising_objective(model), batch_of(model, 7)
    whole, parts = loss.terms(batch), terms_in_parts(loss, batch, targets_at_once)
    torch.testing.assert_close(parts["denoising"], whole["denoising"], rtol=1e-6, atol=0)
    assert_alike(gradients(parts, loss, batch), gradients(whole, loss, batch), 1e-5)


def test_each_part_is_computed_again_under_the_masks_of_its_first_time(model: TextEmbedder) -> None:
    loss, batch = denoising_objective(model), batch_of(model, 6)
    override_in_modules(loss, 0.3)
    loss.train()
    (ids,) = batch.targets.values()
    (table,) = batch.embeddings.values()
    torch.manual_seed(7)
    found = terms_in_parts(loss, batch, 3 * ids.shape[1])
    torch.manual_seed(7)
    kept = [loss.terms(denoising_batch(table[0, rows], ids[rows], batch)) for rows in (slice(3), slice(3, 6))]
    by_hand = {"denoising": kept[0]["denoising"] + kept[1]["denoising"]}
    torch.testing.assert_close(found, by_hand)
    assert_alike(gradients(found, loss, batch), gradients(by_hand, loss, batch), 1e-5)


def largest(loss: Objective, batch: Batch) -> int:
    with LargestTensor() as seen:
        gradients(loss.terms(batch), loss, batch)
    return int(seen.elements)


def test_a_decoder_alone_or_in_a_list_of_such_losses_is_given_what_the_engine_gives(model: TextEmbedder) -> None:
    denoising = denoising_objective(model)
    alike = WeightedSum([(denoising, 1.0), (denoising, 0.5)])
    interacting = WeightedSum([(built("GlobalOrthogonalRegularizationLoss"), 1.0), (denoising, 0.5)])
    batch = replace(batch_of(model, 1200), row_block=64)
    assert isinstance(denoising, DenoisingAutoEncoder)
    assert largest(alike, batch) == largest(denoising, batch)
    assert largest(interacting, batch) < largest(denoising, batch) / 2


def test_memory_does_not_grow_with_the_rows(model: TextEmbedder) -> None:
    loss = WeightedSum([(built("GlobalOrthogonalRegularizationLoss"), 1.0), (denoising_objective(model), 0.5)])
    some, many = (largest(loss, replace(batch_of(model, rows), row_block=64)) for rows in (400, 1200))
    assert many == some
