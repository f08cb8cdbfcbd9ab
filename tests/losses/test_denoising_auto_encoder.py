"""The denoising autoencoder against a slow loop, against Sentence Transformers, and in shares of a step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from denoising_case import DenoisingCase, denoising_batch, denoising_objective, target_ids
from parity_cases import GRADIENT_TOLERANCE, VALUE_TOLERANCE, Outcome, differences
from small_models import TEXTS, save_plain
from torch import Tensor

from embtune.catalog.entries.denoising_auto_encoder import DenoisingAutoEncoderParameters
from embtune.losses.denoising_auto_encoder import DenoisingAutoEncoder
from embtune.losses.objective import NO_TOKEN, Batch, BuildContext
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.pipeline.decoders import Decoders

CASE = DenoisingCase()


@pytest.fixture
def model(tmp_path: Path) -> TextEmbedder:
    """A small BERT without dropout."""
    save_plain("bert", tmp_path / "bert")
    return load_model(str(tmp_path / "bert"), dropout=0.0)


def assert_equal(found: Outcome, wanted: Outcome) -> None:
    value, gradient = differences(found, wanted)
    assert value <= VALUE_TOLERANCE
    assert gradient <= GRADIENT_TOLERANCE


def test_it_is_the_mean_over_all_tokens_of_all_texts() -> None:
    found = CASE.embtune()
    assert len(found.gradient) > 10_000
    assert_equal(found, CASE.reference())


def test_value_and_gradients_are_those_of_sentence_transformers() -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra `parity`")
    assert_equal(CASE.embtune(), CASE.sentence_transformers())


def value(loss: DenoisingAutoEncoder, batch: Batch) -> Tensor:
    return loss.terms(batch)["denoising"].detach()


def test_shares_of_a_step_add_up_to_the_whole(model: TextEmbedder) -> None:
    loss, tokens = denoising_objective(model), target_ids(model, TEXTS[:5])
    sentences = torch.randn(5, 32)
    whole = denoising_batch(sentences, tokens)
    parts = [denoising_batch(sentences[rows], tokens[rows], whole) for rows in ([0, 3], [1], [2, 4])]
    share = sum(float(value(loss, part)) for part in parts)
    assert share == pytest.approx(float(value(loss, whole)), rel=1e-5)


def test_texts_without_a_token_to_predict_cost_nothing_and_keep_a_graph(model: TextEmbedder) -> None:
    loss = denoising_objective(model)
    sentences = torch.randn(2, 32, requires_grad=True)
    cost = loss.terms(denoising_batch(sentences, torch.full((2, 1), NO_TOKEN)))["denoising"]
    assert float(cost.detach()) == 0
    (gradient,) = torch.autograd.grad(cost, sentences)
    assert not gradient.any()


def test_another_width_gets_a_map_of_its_own_and_the_same_decoder(model: TextEmbedder) -> None:
    build = Decoders(model).build
    full, narrow = (
        DenoisingAutoEncoder.build(DenoisingAutoEncoderParameters(), BuildContext(width, model.depth, decoder=build))
        for width in (32, 8)
    )
    assert narrow.decoder is full.decoder
    only_narrow = {name for name, _ in narrow.named_parameters()} - {name for name, _ in full.named_parameters()}
    assert only_narrow == {"projection.weight", "projection.bias"}
    assert value(narrow, denoising_batch(torch.randn(2, 8), target_ids(model, TEXTS[:2]))).isfinite()
