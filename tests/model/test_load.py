from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from small_models import MINILM, TEXTS
from transformers import AutoModel, AutoTokenizer

from embtune.catalog.choices import Similarity
from embtune.errors import ModelError
from embtune.model.encode import encode_texts
from embtune.model.layers import Dense, Normalize
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.model.summary import ModelSummary, summarize
from embtune.model.words import PoolingMode

Folder = Callable[[str], Path]


@dataclass(frozen=True)
class Map:
    """A linear map to ask for."""

    out_features: int
    activation: str = "identity"


def test_the_facts_of_minilm() -> None:
    assert summarize(load_model(MINILM, prompts={"query": "q: "})) == ModelSummary(
        architecture="BertModel",
        parameters=22_565_376,  # 22,713,216 on the hub, less the pooler's 384 * 384 + 384
        trainable_parameters=22_565_376,
        embedding_dim=384,
        depth=6,
        max_seq_length=256,
        pooling=(PoolingMode.MEAN,),
        normalizes=True,
        similarity=Similarity.COSINE,
        prompts={"query": "q: "},
        has_dropout=True,
    )


def test_a_model_comes_as_float32_in_evaluation_mode_with_every_parameter_trainable(plain_folder: Folder) -> None:
    model = load_model(str(plain_folder("bert")))
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_weights_stored_in_half_precision_come_as_float32(plain_folder: Folder, tmp_path: Path) -> None:
    AutoModel.from_pretrained(plain_folder("bert"), dtype=torch.float16).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(plain_folder("bert")).save_pretrained(tmp_path)
    assert {parameter.dtype for parameter in load_model(str(tmp_path)).parameters()} == {torch.float32}


def test_normalize_adds_keeps_and_removes(plain_folder: Folder) -> None:
    assert load_model(MINILM).normalizes
    assert load_model(MINILM, normalize="auto").normalizes
    assert not load_model(MINILM, normalize=False).normalizes
    assert len(load_model(MINILM, normalize=True).layers) == 1
    assert not load_model(str(plain_folder("bert"))).normalizes
    assert load_model(str(plain_folder("bert")), normalize=True).normalizes


def test_a_dense_layer_goes_before_the_scaling_to_unit_length() -> None:
    model = load_model(MINILM, dense=Map(16, "tanh"), seed=1)
    assert [type(layer) for layer in model.layers] == [Dense, Normalize]
    assert model.embedding_dim == 16
    first, second, other = (load_model(MINILM, dense=Map(16), seed=seed).layers[0] for seed in (1, 1, 2))
    assert torch.equal(next(first.parameters()), next(second.parameters()))
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_a_plain_encoder_is_averaged_and_a_plain_generator_takes_its_last_token(plain_folder: Folder) -> None:
    encoder, generator = load_model(str(plain_folder("bert"))), load_model(str(plain_folder("qwen3")))
    assert summarize(encoder).pooling == (PoolingMode.MEAN,)
    assert summarize(generator).pooling == (PoolingMode.LASTTOKEN,)
    assert "pooling auto -> lasttoken" in generator.notes[0]
    assert load_model(str(plain_folder("qwen3")), pooling="cls").notes == ()


@pytest.mark.parametrize(("name", "positions"), [("bert", 64), ("roberta", 65), ("mpnet", 64), ("qwen3", 64)])
def test_a_length_beyond_the_positions_is_capped_aloud_and_can_be_filled(
    name: str, positions: int, plain_folder: Folder
) -> None:
    model = load_model(str(plain_folder(name)), max_seq_length=1000)
    assert model.max_seq_length == positions
    assert f"model.max_seq_length 1000 -> {positions}" in model.notes[-1]
    encode_texts(model, ["dog " * 500])  # one position more would raise


def test_the_length_is_the_configs_else_the_folders_else_the_tokenizers(plain_folder: Folder) -> None:
    assert load_model(MINILM, max_seq_length=100).max_seq_length == 100
    assert load_model(MINILM).max_seq_length == 256
    assert load_model(str(plain_folder("bert"))).max_seq_length == 62


def test_a_length_without_room_for_text(plain_folder: Folder) -> None:
    with pytest.raises(ModelError, match="leaves no room"):
        load_model(str(plain_folder("bert")), max_seq_length=2)


def test_prompts_are_added_and_go_before_the_folders(plain_folder: Folder, tmp_path: Path) -> None:
    save_model(load_model(str(plain_folder("bert")), prompts={"query": "q", "document": "d"}), tmp_path / "model")
    model = load_model(str(tmp_path / "model"), prompts={"query": "Q", "title": "t"})
    assert model.prompts == {"query": "Q", "document": "d", "title": "t"}


def test_loading_says_nothing_on_its_own(plain_folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    folder = str(plain_folder("bert"))
    capfd.readouterr()
    load_model(folder)
    load_model(MINILM)
    assert capfd.readouterr() == ("", "")


def test_a_static_model_of_an_empty_text_is_zero_and_has_a_gradient() -> None:
    model = load_model("scratch:static?width=8", scratch_texts=lambda: TEXTS, normalize=True).train()
    vectors = model(model.collate(model.tokenizer.encode(["", "a man", ""], None)))
    assert vectors.shape == (1, 3, 8)
    assert torch.equal(vectors[0, 0], torch.zeros(8))
    vectors.sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())
