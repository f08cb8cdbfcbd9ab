"""A model's fingerprint tells models apart that embed differently, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_models import TEXTS

from embtune.model.embedder import TextEmbedder
from embtune.model.fingerprint import model_fingerprint
from embtune.model.layers import Dense, Normalize
from embtune.model.load import load_model
from embtune.model.words import Activation

Load = Callable[..., TextEmbedder]


@pytest.fixture
def load(plain_folder: Callable[[str], Path]) -> Load:
    return lambda **options: load_model(str(plain_folder("bert")), **options)


def with_dense(model: TextEmbedder, activation: Activation) -> TextEmbedder:
    dense = Dense(model.embedding_dim, 8, activation)
    torch.nn.init.constant_(dense.linear.weight, 0.1)
    torch.nn.init.constant_(dense.linear.bias, 0.2)
    model.layers.append(dense)
    return model


def test_a_model_loaded_twice_has_one_fingerprint_in_any_mode(load: Load) -> None:
    model = load()
    assert model_fingerprint(model) == model_fingerprint(load(prompts={"query": "what is "}).train())
    assert model_fingerprint(model) == model_fingerprint(model.twin())


def test_every_part_counts(load: Load) -> None:
    models = [
        load(),
        load(pooling="cls"),
        load(normalize=True),
        load(max_seq_length=9),
        with_dense(load(), Activation.TANH),
        with_dense(load(), Activation.RELU),
        load_model("scratch:static?width=32", scratch_texts=lambda: TEXTS),
    ]
    without_prompt = load()
    without_prompt.encoder.get_submodule("pooling").include_prompt = False  # type: ignore[assignment]
    other_config = load()
    other_config.encoder.get_submodule("model").config.layer_norm_eps = 0.5  # type: ignore[union-attr]
    other_tokens = load()
    other_tokens.tokenizer.adds_special_tokens = False
    other_weight = load()
    with torch.no_grad():
        next(other_weight.parameters())[3, 5] += 1e-6
    found = {model_fingerprint(each) for each in (*models, without_prompt, other_config, other_tokens, other_weight)}
    assert len(found) == len(models) + 4
    assert isinstance(models[2].layers[-1], Normalize)
