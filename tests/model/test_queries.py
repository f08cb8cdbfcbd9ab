"""A model of its own for queries: read from and written as Sentence Transformers' Router, with the same vectors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from small_models import TEXTS
from torch import nn

from embtune.errors import ConfigError, ModelError
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.fingerprint import model_fingerprint
from embtune.model.load import load_model
from embtune.model.queries import add_queries, check_one_model, embedder_for
from embtune.model.save import save_model

Folder = Callable[[str], Path]
WIDTH = 32
PROMPTS = {"query": "ask: ", "document": "say: "}


def scratch(
    kind: str, seed: int, normalize: bool | None = None, prompts: Mapping[str, str] | None = None
) -> TextEmbedder:
    return load_model(f"scratch:{kind}", scratch_texts=lambda: TEXTS, seed=seed, normalize=normalize, prompts=prompts)


def pair(queries: str = f"static?width={WIDTH}", prompts: Mapping[str, str] | None = None) -> TextEmbedder:
    """A transformer for documents, and another model for queries."""
    model = scratch(f"transformer?layers=2&width={WIDTH}&heads=2", 1, True, prompts)
    add_queries(model, scratch(queries, 2))
    return model


def vectors(model: TextEmbedder) -> tuple[np.ndarray, np.ndarray]:
    """Of queries and of documents, each under its prompt."""
    assert model.queries is not None
    return encode_texts(model.queries, TEXTS, "query"), encode_texts(model, TEXTS, "document")


def their_vectors(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    model = SentenceTransformer(str(folder), device="cpu")
    return np.asarray(model.encode_query(TEXTS)), np.asarray(model.encode_document(TEXTS))


def their_router(plain_folder: Folder, query_modules: list[Any] | None = None) -> Router:
    torch.manual_seed(0)
    transformer = Transformer(str(plain_folder("bert")))
    static = StaticEmbedding(Transformer(str(plain_folder("mpnet"))).tokenizer, embedding_dim=WIDTH)
    return Router.for_query_document(query_modules or [static], [transformer, Pooling(WIDTH), Dense(WIDTH, WIDTH)])


@pytest.mark.parametrize("queries", [f"static?width={WIDTH}", f"transformer?layers=1&width={WIDTH}&heads=2"])
def test_a_saved_pair_gives_the_same_vectors_there_and_here(queries: str, tmp_path: Path) -> None:
    model = pair(queries, prompts=PROMPTS)
    save_model(model, tmp_path / "model")
    expected = vectors(model)
    assert np.abs(expected[0] - expected[1]).max() > 0.01  # two models, not one
    for found, tolerance in (
        (their_vectors(tmp_path / "model"), 1e-5),
        (vectors(load_model(str(tmp_path / "model"))), 1e-6),
    ):
        np.testing.assert_allclose(found[0], expected[0], atol=tolerance)
        np.testing.assert_allclose(found[1], expected[1], atol=tolerance)


def test_texts_of_no_stated_task_are_documents_there_too(tmp_path: Path) -> None:
    model = pair()
    save_model(model, tmp_path / "model")
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, encode_texts(model, TEXTS), atol=1e-5)


def test_only_names_that_release_5_knows_are_written(tmp_path: Path) -> None:
    save_model(pair(), tmp_path / "model")
    written = json.loads((tmp_path / "model" / "router_config.json").read_text())
    assert set(written) == {"types", "structure", "parameters"}
    assert set(written["parameters"]) == {"default_route", "allow_empty_key"}  # of Router's arguments in 5.0
    assert all(name.startswith("sentence_transformers.models.") for name in written["types"].values())
    assert all((tmp_path / "model" / folder).is_dir() for folder in written["types"])


def test_what_release_6_wrote_loads_here_and_goes_back(plain_folder: Folder, tmp_path: Path) -> None:
    modules: list[nn.Module] = [their_router(plain_folder), Normalize()]  # what follows the router is of both routes
    SentenceTransformer(modules=modules, device="cpu", prompts=PROMPTS).save(str(tmp_path / "theirs"))
    model = load_model(str(tmp_path / "theirs"))
    save_model(model, tmp_path / "ours")
    expected = their_vectors(tmp_path / "theirs")
    for found in (vectors(model), their_vectors(tmp_path / "ours"), vectors(load_model(str(tmp_path / "ours")))):
        np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
        np.testing.assert_allclose(found[1], expected[1], atol=1e-5)


def test_routes_of_the_same_modules_are_one_model(plain_folder: Folder, tmp_path: Path) -> None:
    both: list[Any] = [Transformer(str(plain_folder("bert"))), Pooling(WIDTH)]
    router = Router.for_query_document(both, both)
    SentenceTransformer(modules=[router], device="cpu").save(str(tmp_path / "theirs"))
    model = load_model(str(tmp_path / "theirs"))
    assert model.queries is None
    np.testing.assert_allclose(encode_texts(model, TEXTS), their_vectors(tmp_path / "theirs")[0], atol=1e-5)


def _edited_router(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> str:
    save_model(pair(), tmp_path / "model")
    path = tmp_path / "model" / "router_config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    return str(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["structure"].update(query=c["structure"]["document"][:1]), "both routes share"),
        (lambda c: c["structure"].pop("query"), "no route is for a query"),
        (lambda c: c["structure"].update(query=[]), "no modules"),
        (lambda c: c["types"].update(query_0_StaticEmbedding="os.system"), "no module 'os.system'"),
        (lambda c: c.pop("structure"), "expected an object"),
    ],
)
def test_a_router_that_cannot_be_used_is_refused_at_its_file(
    change: Callable[[dict[str, Any]], None], said: str, tmp_path: Path
) -> None:
    folder = _edited_router(tmp_path, change)
    with pytest.raises(ModelError, match=said) as caught:
        load_model(folder)
    assert "router_config.json" in str(caught.value.problems[0].location)


def test_routes_by_other_names_are_found_by_what_is_mapped_to_them(tmp_path: Path) -> None:
    def rename(config: dict[str, Any]) -> None:
        config["structure"]["asked"] = config["structure"].pop("query")
        config["parameters"]["route_mappings"] = {"('query', 'text')": "asked"}

    assert load_model(_edited_router(tmp_path, rename)).queries is not None


def test_two_widths_are_refused_with_the_map_that_would_make_them_one() -> None:
    with pytest.raises(ConfigError, match="16 dims and the one for documents 32") as caught:
        pair("static?width=16")
    assert "out_features: 16" in (caught.value.problems[0].hint or "")


def test_overrides_are_of_the_model_for_documents(tmp_path: Path) -> None:
    save_model(pair(f"transformer?layers=1&width={WIDTH}&heads=2"), tmp_path / "model")
    model = load_model(str(tmp_path / "model"), pooling="cls", normalize=False)
    assert model.queries is not None
    before = load_model(str(tmp_path / "model"))
    assert before.queries is not None
    np.testing.assert_array_equal(encode_texts(model.queries, TEXTS), encode_texts(before.queries, TEXTS))
    assert not model.normalizes


def test_the_query_prompt_chooses_the_model_for_queries() -> None:
    model = pair()
    assert embedder_for(model, "query") == (model.queries, "")  # a prompt of that name there is none
    assert embedder_for(model, "document") == (model, "")
    assert embedder_for(model, None) == (model, None)
    prompted = pair(prompts=PROMPTS)
    assert embedder_for(prompted, "query") == (prompted.queries, "query")
    one = scratch("static?width=8", 0)
    assert embedder_for(one, "query") == (one, "query")


def test_a_guide_has_to_be_one_model() -> None:
    check_one_model(scratch("static?width=8", 0))
    with pytest.raises(ModelError, match="of its own for queries"):
        check_one_model(pair())


def test_the_fingerprint_is_of_both_models() -> None:
    one, other = pair(), pair()
    assert model_fingerprint(one) == model_fingerprint(other)
    assert other.queries is not None
    with torch.no_grad():
        next(other.queries.parameters()).add_(1.0)
    assert model_fingerprint(one) != model_fingerprint(other)


def test_a_folder_whose_two_models_differ_in_width_is_told(tmp_path: Path) -> None:
    model = pair()
    save_model(model, tmp_path / "model")
    dense = scratch("transformer?layers=1&width=16&heads=2", 3)
    save_model(dense, tmp_path / "narrow")
    narrow = tmp_path / "narrow"
    target = next(
        path for path in (tmp_path / "model").rglob("config.json") if "hidden_size" in path.read_text()
    ).parent
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(narrow / name, target / name)
    for pooling in (tmp_path / "model").rglob("*Pooling/config.json"):
        pooling.write_text('{"pooling_mode": "mean"}')
    with pytest.raises(ModelError, match="different-widths") as caught:
        load_model(str(tmp_path / "model"))
    assert str(caught.value).startswith(str(tmp_path / "model"))
