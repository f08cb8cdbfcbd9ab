"""Folders that sentence-transformers wrote load here, and those written here load there, with the same vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from small_models import ARCHITECTURES, MINILM, TEXTS
from tokenizers import Tokenizer, normalizers
from torch import nn

from embtune.catalog.choices import Similarity
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.model.scratch import train_tokenizer
from embtune.model.scratch_spec import parse_scratch
from embtune.model.source import find_folder
from embtune.model.words import PoolingMode

Folder = Callable[[str], Path]
THEIR_NAMES = {PoolingMode.MEAN_SQRT_LEN: "mean_sqrt_len_tokens"}


@dataclass(frozen=True)
class Map:
    """A linear map to ask for."""

    out_features: int
    activation: str


def _theirs(folder: Path | str, texts: list[str] = TEXTS, prompt_name: str | None = None) -> np.ndarray:
    model = SentenceTransformer(str(folder), device="cpu")
    vectors: np.ndarray = model.encode(texts, prompt_name=prompt_name)
    return vectors


def _assert_same_everywhere(model: TextEmbedder, folder: Path) -> None:
    """What is saved gives the same vectors there and, read again, here."""
    save_model(model, folder)
    expected = encode_texts(model, TEXTS)
    np.testing.assert_allclose(_theirs(folder), expected, atol=1e-5)
    np.testing.assert_allclose(encode_texts(load_model(str(folder)), TEXTS), expected, atol=1e-6)


def test_minilm_gives_the_vectors_of_sentence_transformers() -> None:
    expected = _theirs(find_folder(MINILM, None, False))
    np.testing.assert_allclose(encode_texts(load_model(MINILM), TEXTS), expected, atol=1e-5)


def test_minilm_is_cut_where_its_folder_says_and_not_where_its_tokenizer_file_says() -> None:
    text = " ".join(f"word{i}" for i in range(200))  # the tokenizer's file says 128 tokens, the folder 256
    expected = _theirs(find_folder(MINILM, None, False), [text])
    model = load_model(MINILM)
    assert model.max_seq_length == 256
    np.testing.assert_allclose(encode_texts(model, [text]), expected, atol=1e-5)


def test_minilm_saved_loads_there_and_here(tmp_path: Path) -> None:
    _assert_same_everywhere(load_model(MINILM), tmp_path / "model")


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "t5"])
def test_every_architecture_saved_loads_there_and_here(name: str, plain_folder: Folder, tmp_path: Path) -> None:
    _assert_same_everywhere(load_model(str(plain_folder(name)), pooling="mean", normalize=True), tmp_path / "model")


@pytest.mark.parametrize("mode", PoolingMode)
def test_every_pooling_mode_saved_loads_there_and_here(mode: PoolingMode, plain_folder: Folder, tmp_path: Path) -> None:
    _assert_same_everywhere(load_model(str(plain_folder("bert")), pooling=mode.value), tmp_path / "model")


@pytest.mark.parametrize("activation", ["identity", "tanh", "gelu", "relu"])
def test_an_added_dense_layer_saved_loads_there_and_here(activation: str, plain_folder: Folder, tmp_path: Path) -> None:
    model = load_model(str(plain_folder("bert")), dense=Map(20, activation), normalize=True)
    assert model.embedding_dim == 20
    _assert_same_everywhere(model, tmp_path / "model")


@pytest.mark.parametrize(
    "modes",
    [*([mode] for mode in PoolingMode), [PoolingMode.CLS, PoolingMode.MEAN], [PoolingMode.MEAN, PoolingMode.CLS]],
    ids=str,
)
def test_what_release_6_wrote_loads_here_and_goes_back(
    modes: list[PoolingMode], plain_folder: Folder, tmp_path: Path
) -> None:
    transformer = Transformer(str(plain_folder("bert")))
    pooling = Pooling(32, [THEIR_NAMES.get(mode, mode.value) for mode in modes])
    torch.manual_seed(0)
    dense = Dense(32 * len(modes), 24, activation_function=nn.Tanh())
    SentenceTransformer(modules=[transformer, pooling, dense, Normalize()], device="cpu").save(str(tmp_path / "theirs"))
    model = load_model(str(tmp_path / "theirs"))
    np.testing.assert_allclose(encode_texts(model, TEXTS), _theirs(tmp_path / "theirs"), atol=1e-5)
    _assert_same_everywhere(model, tmp_path / "ours")


@pytest.mark.parametrize("width", [32, 24])
def test_a_dense_layer_that_adds_its_input_loads_here_and_goes_back(
    width: int, plain_folder: Folder, tmp_path: Path
) -> None:
    dense = Dense(32, width, bias=False, use_residual=True)
    modules: list[nn.Module] = [Transformer(str(plain_folder("bert"))), Pooling(32), dense]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "theirs"))
    model = load_model(str(tmp_path / "theirs"))
    np.testing.assert_allclose(encode_texts(model, TEXTS), _theirs(tmp_path / "theirs"), atol=1e-5)
    _assert_same_everywhere(model, tmp_path / "ours")


def _static_of_theirs(folder: Path, normalize: bool = False) -> None:
    backend = train_tokenizer(parse_scratch("scratch:static?vocab=200"), TEXTS)
    torch.manual_seed(0)
    static = StaticEmbedding(backend, embedding_dim=16)
    modules: list[nn.Module] = [static, Normalize()] if normalize else [static]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))


@pytest.mark.parametrize("normalize", [False, True])
def test_a_static_model_of_release_6_loads_here_and_goes_back(normalize: bool, tmp_path: Path) -> None:
    _static_of_theirs(tmp_path / "theirs", normalize)
    model = load_model(str(tmp_path / "theirs"))
    assert (model.depth, model.max_seq_length, model.embedding_dim) == (0, None, 16)
    np.testing.assert_allclose(encode_texts(model, TEXTS), _theirs(tmp_path / "theirs"), atol=1e-6)
    _assert_same_everywhere(model, tmp_path / "ours")
    assert (tmp_path / "ours" / "0_StaticEmbedding" / "model.safetensors").is_file()


def test_a_length_limit_of_a_static_model_is_kept_and_holds_there_too(tmp_path: Path) -> None:
    _static_of_theirs(tmp_path / "theirs")
    model = load_model(str(tmp_path / "theirs"), max_seq_length=3)
    _assert_same_everywhere(model, tmp_path / "ours")
    assert load_model(str(tmp_path / "ours")).max_seq_length == 3


def test_model2vec_rows_and_weights_are_folded_in_as_there(tmp_path: Path) -> None:
    backend: Tokenizer = train_tokenizer(parse_scratch("scratch:static?vocab=200"), TEXTS)
    ids = backend.get_vocab_size()
    torch.manual_seed(0)
    tensors = {
        "embeddings": torch.randn(50, 8),
        "mapping": torch.randint(0, 50, (ids,)),
        "weights": torch.rand(ids, dtype=torch.float64),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text('{"model_type": "model2vec", "architectures": ["StaticModel"]}')
    expected = SentenceTransformer(modules=[StaticEmbedding.load(str(tmp_path))], device="cpu").encode(TEXTS)
    np.testing.assert_allclose(encode_texts(load_model(str(tmp_path)), TEXTS), expected, atol=1e-6)


def test_lower_casing_asked_for_beside_the_tokenizer_is_kept(plain_folder: Folder, tmp_path: Path) -> None:
    model = load_model(str(plain_folder("bert")))
    model.tokenizer.backend.normalizer = normalizers.NFC()  # a tokenizer that keeps case ...
    save_model(model, tmp_path / "cased")
    settings = tmp_path / "cased" / "sentence_bert_config.json"
    settings.write_text(settings.read_text().replace("false", "true"))  # ... under a model that wants it lowered
    np.testing.assert_allclose(
        encode_texts(load_model(str(tmp_path / "cased")), TEXTS), _theirs(tmp_path / "cased"), atol=1e-5
    )
    _assert_same_everywhere(load_model(str(tmp_path / "cased")), tmp_path / "again")


def test_prompts_similarity_and_truncation_go_there_and_back(plain_folder: Folder, tmp_path: Path) -> None:
    model = load_model(str(plain_folder("bert")), prompts={"query": "what is ", "document": ""})
    model.settings.default_prompt_name = "query"
    model.settings.similarity = Similarity.DOT
    model.settings.truncate_dim = 12
    save_model(model, tmp_path / "model", readme="# A card\n")
    there = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert there.prompts == {"query": "what is ", "document": ""}
    assert (there.default_prompt_name, there.similarity_fn_name, there.truncate_dim) == ("query", "dot", 12)
    here = load_model(str(tmp_path / "model"))
    assert here.settings == model.settings
    np.testing.assert_allclose(encode_texts(here, TEXTS), there.encode(TEXTS), atol=1e-5)
    for name in ("query", "document"):
        np.testing.assert_allclose(encode_texts(here, TEXTS, name), there.encode(TEXTS, prompt_name=name), atol=1e-5)
    assert (tmp_path / "model" / "README.md").read_text() == "# A card\n"


def test_pooling_without_the_prompt_goes_there_and_back(plain_folder: Folder, tmp_path: Path) -> None:
    modules: list[nn.Module] = [Transformer(str(plain_folder("bert"))), Pooling(32, "mean", include_prompt=False)]
    theirs = SentenceTransformer(modules=modules, prompts={"query": "what is the ", "document": ""}, device="cpu")
    theirs.save(str(tmp_path / "theirs"))
    expected = theirs.encode(TEXTS, prompt_name="query")
    model = load_model(str(tmp_path / "theirs"))
    np.testing.assert_allclose(encode_texts(model, TEXTS, "query"), expected, atol=1e-5)
    save_model(model, tmp_path / "ours")
    np.testing.assert_allclose(_theirs(tmp_path / "ours", prompt_name="query"), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["scratch:", "scratch:?tokenizer=bpe", "scratch:static?tokenizer=bpe"])
def test_a_scratch_model_saved_loads_there_and_here(name: str, tmp_path: Path) -> None:
    _assert_same_everywhere(load_model(name, scratch_texts=lambda: TEXTS), tmp_path / "model")


def test_a_space_put_before_each_text_is_written_where_transformers_4_looks(tmp_path: Path) -> None:
    save_model(load_model("scratch:?tokenizer=bpe", scratch_texts=lambda: TEXTS), tmp_path / "model")
    config = json.loads((tmp_path / "model" / "tokenizer_config.json").read_text())
    assert config["add_prefix_space"] is True  # with 4.48 and 4.57 vectors differed by 0.6 without it
