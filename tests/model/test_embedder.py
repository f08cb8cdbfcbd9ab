from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import ARCHITECTURES, TEXTS
from transformers import AutoModel, AutoModelForTextEncoding

from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.layers import Normalize
from embtune.model.load import load_model

Folder = Callable[[str], Path]


def _embed(model: TextEmbedder, texts: list[str], every_layer: bool = False) -> torch.Tensor:
    embedded: torch.Tensor = model(model.collate(model.tokenizer.encode(texts, model.max_seq_length)), every_layer)
    return embedded


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_vectors_are_the_mean_of_transformers_own_hidden_states(name: str, plain_folder: Folder) -> None:
    model = load_model(str(plain_folder(name)), pooling="mean")
    auto = AutoModelForTextEncoding if name == "t5" else AutoModel
    reference = auto.from_pretrained(plain_folder(name)).eval()
    for text in TEXTS:
        (ids,) = model.tokenizer.encode([text], model.max_seq_length)
        with torch.no_grad():
            states = reference(input_ids=torch.from_numpy(ids).long()[None], output_hidden_states=True).hidden_states
            embedded = _embed(model, [text], every_layer=True)
        for layer, state in zip(embedded, states, strict=True):
            torch.testing.assert_close(layer, state.mean(dim=1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
@torch.no_grad()
def test_the_last_of_every_layer_is_bit_for_bit_the_final_output(name: str, plain_folder: Folder) -> None:
    model = load_model(str(plain_folder(name)), normalize=True)
    layers = _embed(model, TEXTS, every_layer=True)
    assert layers.shape == (model.depth + 1, len(TEXTS), model.embedding_dim)
    assert torch.equal(layers[-1:], _embed(model, TEXTS))


@pytest.mark.parametrize("name", ARCHITECTURES)
@torch.no_grad()
def test_a_batch_with_padding_equals_one_text_at_a_time(name: str, plain_folder: Folder) -> None:
    model = load_model(str(plain_folder(name)))
    together = _embed(model, TEXTS)[0]
    alone = torch.cat([_embed(model, [text])[0] for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_parameter_gets_a_gradient(name: str, plain_folder: Folder) -> None:
    model = load_model(str(plain_folder(name)), pooling="mean").train()
    _embed(model, TEXTS).square().sum().backward()  # type: ignore[no-untyped-call]
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_dropout_is_active_in_training_and_gone_at_zero(name: str, plain_folder: Folder) -> None:
    active = load_model(str(plain_folder(name)))
    assert active.has_dropout
    assert not torch.equal(_embed(active.train(), TEXTS), _embed(active.eval(), TEXTS))
    without = load_model(str(plain_folder(name)), dropout=0.0)
    assert not without.has_dropout
    assert torch.equal(_embed(without.train(), TEXTS), _embed(without.eval(), TEXTS))


def test_attention_dropout_alone_is_seen_and_set(plain_folder: Folder) -> None:
    model = load_model(str(plain_folder("qwen3")), dropout=0.5)  # its only dropout is a number on the attention modules
    assert isinstance(model.encoder, TransformerEncoder)
    assert model.encoder.model.config.attention_dropout == 0.5
    assert model.has_dropout


def test_a_dropout_that_was_left_out_at_rate_zero_can_be_switched_on(plain_folder: Folder, tmp_path: Path) -> None:
    none = load_model(str(plain_folder("modernbert")), dropout=0.0)
    assert isinstance(none.encoder, TransformerEncoder)
    none.encoder.model.save_pretrained(tmp_path)
    for file in plain_folder("modernbert").glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert not load_model(str(tmp_path)).has_dropout
    model = load_model(str(tmp_path), dropout=0.3)
    rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {0.3}


def test_the_mask_is_left_out_where_no_text_is_padded(plain_folder: Folder) -> None:
    model = load_model(str(plain_folder("bert")))
    ids = model.tokenizer.encode(["a dog", "a fox"], None)
    same = [ids[0], ids[0]]
    assert model.collate(same).attention_mask is None
    features = model.collate([ids[0], ids[0][:2]])
    assert features.attention_mask is not None
    assert features.tokens == len(ids[0]) + 2
    assert features.token_slots == 2 * len(ids[0])


def test_a_text_without_a_single_token_gives_a_finite_vector(plain_folder: Folder) -> None:
    model = load_model(str(plain_folder("qwen3")))
    features = model.collate([np.empty(0, dtype=np.int32), np.array([5, 6], dtype=np.int32)])
    embedded = model(features)
    assert embedded.isfinite().all()
    embedded.sum().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_half_precision_gets_unit_length_in_float32() -> None:
    scaled = Normalize()(torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.bfloat16))
    torch.testing.assert_close(scaled, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))  # dtype too


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@torch.no_grad()
def test_embeddings_come_out_as_float32_under_autocast(plain_folder: Folder) -> None:
    model = load_model(str(plain_folder("bert")), normalize=True).cuda()
    features = model.collate(model.tokenizer.encode(TEXTS, None)).to("cuda")
    with torch.autocast("cuda", dtype=torch.bfloat16):
        embedded = model(features)
    assert embedded.dtype == torch.float32
    torch.testing.assert_close(embedded.norm(dim=-1).cpu(), torch.ones(1, len(TEXTS)), atol=1e-6, rtol=0)


def test_float64_stays_float64(plain_folder: Folder) -> None:
    model = load_model(str(plain_folder("bert")), normalize=True).double()
    assert _embed(model, TEXTS).dtype == torch.float64
