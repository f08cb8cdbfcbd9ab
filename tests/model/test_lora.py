"""Low-rank updates: nothing at first, trained alone, merged on saving, in every kind of model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from small_models import ARCHITECTURES, TEXTS
from transformers import GPT2Config, GPT2Model

from embtune.errors import ConfigError
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.encoder import StaticEncoder, TransformerEncoder
from embtune.model.load import load_model
from embtune.model.lora import add_lora, has_lora, merged_tensors
from embtune.model.pooling import Pooling
from embtune.model.save import save_model
from embtune.model.words import PoolingMode

STATIC = "scratch:static?width=8&vocab=120"
Modules = Literal["all-linear"] | tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """Small updates."""

    r: int = 2
    alpha: float = 6.0
    dropout: float = 0.0
    target_modules: Modules = "all-linear"


def loaded(name: str, dropout: float | None = None) -> TextEmbedder:
    return load_model(name, scratch_texts=lambda: TEXTS, dropout=dropout)


def updated(model: TextEmbedder, choice: Choice | None = None) -> TextEmbedder:
    """The model with updates that are no longer zero, as if it had been trained."""
    add_lora(model, choice or Choice(), "a-name", None, seed=3)
    torch.manual_seed(4)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.mark.parametrize("name", [*ARCHITECTURES, "static"])
def test_updates_change_nothing_before_training_and_are_merged_on_saving(
    tmp_path: Path, plain_folder: Callable[[str], Path], name: str
) -> None:
    model = loaded(STATIC if name == "static" else str(plain_folder(name)))
    before = encode_texts(model, TEXTS)
    weights = sum(parameter.numel() for parameter in model.parameters())
    add_lora(model, Choice(), "a-name", None, seed=3)
    assert (encode_texts(model, TEXTS) == before).all()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in model.named_parameters() if "lora_" in name}
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    after = encode_texts(model, TEXTS)
    assert np.abs(after - before).max() > 1e-3
    assert (encode_texts(model.twin(), TEXTS) == after).all()
    save_model(model, tmp_path / "model")
    merged = loaded(str(tmp_path / "model"))
    assert not has_lora(merged)
    assert sum(parameter.numel() for parameter in merged.parameters()) == weights
    np.testing.assert_allclose(encode_texts(merged, TEXTS), after, atol=1e-5, rtol=1e-5)


def test_a_merged_weight_is_the_weight_and_the_scaled_product() -> None:
    model = updated(loaded("scratch:transformer?layers=1&width=16&heads=2"))
    state = model.encoder.state_dict()
    place = "model.encoder.layer.0.attention.self.query"
    product = state[f"{place}.lora_B.default.weight"] @ state[f"{place}.lora_A.default.weight"]
    expected = state[f"{place}.base_layer.weight"] + 6.0 / 2 * product
    torch.testing.assert_close(merged_tensors(model.encoder)[f"{place}.weight"], expected)


def test_maps_that_are_stored_transposed_are_merged_too() -> None:
    """GPT-2 keeps its weights as (in, out)."""
    config = GPT2Config(vocab_size=120, n_embd=16, n_layer=1, n_head=2, n_positions=8, bos_token_id=2, eos_token_id=3)
    model = loaded("scratch:transformer?layers=1&width=16&heads=2")
    plain, backbone = GPT2Model(config).train(False), GPT2Model(config).train(False)
    model.encoder = TransformerEncoder(backbone, Pooling([PoolingMode.MEAN]))
    updated(model)
    plain.load_state_dict(merged_tensors(backbone))
    ids = torch.tensor([[5, 7, 9, 11]])
    torch.testing.assert_close(plain(input_ids=ids)[0], backbone(input_ids=ids)[0])


def test_an_updated_static_model_is_the_mean_of_updated_token_vectors() -> None:
    model = updated(loaded(STATIC))
    state = model.encoder.state_dict()
    update = state["embedding.lora_embedding_B.default"] @ state["embedding.lora_embedding_A.default"]
    table = state["embedding.base_layer.weight"] + 6.0 / 2 * update.T
    ids = [model.tokenizer.encode([text], None)[0].astype(np.int64) for text in TEXTS]
    expected = [table[torch.from_numpy(row)].mean(0) if len(row) else torch.zeros(8) for row in ids]
    torch.testing.assert_close(torch.from_numpy(encode_texts(model, TEXTS)), torch.stack(expected))


def test_without_updates_a_static_model_makes_no_vector_a_token() -> None:
    model = loaded(STATIC)
    assert isinstance(model.encoder, StaticEncoder)
    model.encoder.embedding.register_forward_hook(lambda *_: pytest.fail("vectors of single tokens were made"))
    assert encode_texts(model, TEXTS).shape == (len(TEXTS), 8)


@pytest.mark.parametrize(
    ("modules", "count"), [(("query",), 2), (("self.query", "layer.1.output.dense"), 3), (("word_embeddings",), 1)]
)
def test_modules_are_named_by_the_ends_of_their_names(modules: tuple[str, ...], count: int) -> None:
    model = updated(loaded("scratch:transformer?layers=2&width=16&heads=2"), Choice(target_modules=modules))
    assert sum(parameter.requires_grad for parameter in model.parameters()) == 2 * count


@pytest.mark.parametrize(
    ("name", "wrong", "hint"),
    [
        ("scratch:transformer?layers=1&width=16&heads=2", "qurey", "Did you mean 'query'? There are dense, key, "),
        ("scratch:transformer?layers=1&width=16&heads=2", "LayerNorm", "There are dense, key, "),
        (STATIC, "query", "There are embedding; or all-linear."),
    ],
)
def test_a_module_that_is_not_there_is_told_with_those_that_are(name: str, wrong: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        add_lora(loaded(name), Choice(target_modules=("query", wrong)), "a-name", None, seed=3)
    (problem,) = caught.value.problems
    assert repr(wrong) in problem.message
    assert problem.hint is not None
    assert problem.hint.startswith(hint)


def test_dropout_of_the_updates_is_active_dropout() -> None:
    plain = loaded("scratch:transformer?layers=1&width=16&heads=2", dropout=0.0)
    assert not plain.has_dropout
    assert not updated(plain.twin()).has_dropout
    assert updated(plain.twin(), Choice(dropout=0.1)).has_dropout


def test_dropout_has_no_effect_in_a_static_model_and_that_is_said() -> None:
    model = updated(loaded(STATIC), Choice(dropout=0.1))
    assert not model.has_dropout
    assert "model.lora.dropout has no effect" in model.notes[-1]


def test_a_dense_layer_after_the_pooling_is_trained_as_ever() -> None:
    model = updated(load_model(STATIC, scratch_texts=lambda: TEXTS, dense=Dense()))
    assert [parameter.requires_grad for parameter in model.layers.parameters()] == [True, True]


def test_updates_are_drawn_from_the_seed_alone() -> None:
    drawn = []
    for seed, before in ((3, 0), (3, 1), (4, 0)):
        torch.manual_seed(before)
        model = loaded("scratch:transformer?layers=1&width=16&heads=2")
        add_lora(model, Choice(), "a-name", None, seed)
        drawn.append(torch.cat([p.flatten() for p in model.parameters() if p.requires_grad]))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@dataclass(frozen=True)
class Dense:
    """A linear map after the pooling."""

    out_features: int = 8
    activation: str = "identity"
