"""Decoders see the embedding and the tokens before, nothing else, and share what they are asked to share."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import ARCHITECTURES, TEXTS, save_plain
from torch import Tensor, nn

from embtune.errors import ModelError
from embtune.model.decoder import Decoder, PretrainedDecoder, build_decoder, read_decoder
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.small_decoder import SmallDecoder

WITH_CROSS_ATTENTION = ("bert", "roberta", "electra")
MODELS = (*ARCHITECTURES, "static")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TextEmbedder]:
    """A small model of every architecture."""
    folder = tmp_path_factory.mktemp("models")
    found = {"static": load_model("scratch:static?width=24", scratch_texts=lambda: TEXTS)}
    for name in ARCHITECTURES:
        save_plain(name, folder / name)
        found[name] = load_model(str(folder / name))
    return found


def decoder_of(model: TextEmbedder, tie: bool = True) -> Decoder:
    torch.manual_seed(0)
    decoder = build_decoder(model, tie)
    with torch.no_grad():  # fresh cross-attention is too faint to show in six digits
        for name, parameter in decoder.named_parameters():
            if "crossatt" in name.lower() and parameter.ndim == 2:
                parameter.normal_(std=0.3)
    return decoder.eval()


def tokens_of(model: TextEmbedder) -> Tensor:
    rows = model.tokenizer.encode(TEXTS[:2], 12)
    length = max(map(len, rows))
    return torch.tensor(np.stack([np.pad(row, (0, length - len(row)), constant_values=-100) for row in rows])).long()


def logits(decoder: Decoder, sentences_BH: Tensor, tokens_BT: Tensor) -> Tensor:
    inputs, _ = decoder.split(tokens_BT)
    with torch.no_grad():
        return decoder.logits(decoder.states(sentences_BH, inputs))


@pytest.mark.parametrize("name", MODELS)
def test_the_kind_of_decoder_follows_the_architecture(models: dict[str, TextEmbedder], name: str) -> None:
    decoder = decoder_of(models[name])
    assert isinstance(decoder, PretrainedDecoder if name in WITH_CROSS_ATTENTION else SmallDecoder)


@pytest.mark.parametrize("name", MODELS)
def test_a_position_sees_the_embedding_and_what_came_before(models: dict[str, TextEmbedder], name: str) -> None:
    decoder, tokens = decoder_of(models[name]), tokens_of(models[name])
    sentences = torch.randn(2, decoder.width)
    before = logits(decoder, sentences, tokens)
    assert before.shape[:2] == decoder.split(tokens)[1].shape
    assert before.shape[2] >= models[name].tokenizer.vocabulary_size
    changed = tokens.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 50
    after = logits(decoder, sentences, changed)
    first = int((before - after).abs().amax(dim=(0, 2)).gt(1e-6).nonzero()[0])
    _, labels = decoder.split(torch.arange(tokens.shape[1])[None])
    assert int(labels[0, first]) == 4  # the first position that may know token 3 predicts token 4
    other = logits(decoder, sentences + 1, tokens)
    assert (other - before).abs().amax(dim=2).min() > 1e-6  # every position looks at the embedding


@pytest.mark.parametrize("name", MODELS)
def test_padding_changes_no_real_position(models: dict[str, TextEmbedder], name: str) -> None:
    decoder, tokens = decoder_of(models[name]), tokens_of(models[name])
    sentences = torch.randn(2, decoder.width)
    longer = nn.functional.pad(tokens, (0, 3), value=-100)
    real = decoder.split(tokens)[1] >= 0
    plain, padded = logits(decoder, sentences, tokens), logits(decoder, sentences, longer)
    torch.testing.assert_close(plain[real], padded[:, : plain.shape[1]][real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["bert", "roberta", "electra", "albert", "static"])
def test_tied_decoders_share_the_encoders_parameters(models: dict[str, TextEmbedder], name: str) -> None:
    model = models[name]
    encoder = {id(parameter) for parameter in model.parameters()}
    tied = [parameter for parameter in decoder_of(model).parameters() if id(parameter) in encoder]
    alone = [parameter for parameter in decoder_of(model, tie=False).parameters() if id(parameter) in encoder]
    assert any(parameter is model.encoder.token_vectors for parameter in tied)
    assert not alone
    if name in WITH_CROSS_ATTENTION:  # all of the encoder but norms and maps that only it has
        assert len(tied) >= len(encoder) - 2


def test_an_untied_decoder_starts_from_the_encoders_weights(models: dict[str, TextEmbedder]) -> None:
    model = models["bert"]
    decoder = decoder_of(model, tie=False)
    assert isinstance(decoder, PretrainedDecoder)
    query = "encoder.layer.1.attention.self.query.weight"
    assert torch.equal(decoder.model.base_model.get_parameter(query), model.encoder.get_parameter(f"model.{query}"))
    output, table = "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"
    assert decoder.model.get_parameter(output) is decoder.model.get_parameter(table)


def test_a_model_without_dropout_gets_a_decoder_without(models: dict[str, TextEmbedder], tmp_path: Path) -> None:
    save_plain("bert", tmp_path / "bert")
    calm = load_model(str(tmp_path / "bert"), dropout=0)
    for model in (calm, models["static"]):
        rates = {module.p for module in build_decoder(model, True).modules() if isinstance(module, nn.Dropout)}
        assert rates == {0.0}
    lively = [m.p for m in build_decoder(models["bert"], True).modules() if isinstance(m, nn.Dropout)]
    assert max(lively) == 0.1


def test_a_named_decoder_brings_its_own_tokenizer(tmp_path: Path) -> None:
    save_plain("roberta", tmp_path / "decoder")
    decoder, tokenizer = read_decoder(str(tmp_path / "decoder"), 0.0)
    assert decoder.width == 32
    assert {parameter.dtype for parameter in decoder.parameters()} == {torch.float32}
    (ids,) = tokenizer.encode(TEXTS[:1], None)
    _, labels = decoder.split(torch.from_numpy(ids).long()[None])
    assert logits(decoder, torch.randn(1, 32), torch.from_numpy(ids).long()[None]).shape == (1, labels.shape[1], 300)


@pytest.mark.parametrize("name", ["modernbert", "qwen3"])
def test_a_named_decoder_without_cross_attention_is_refused(tmp_path: Path, name: str) -> None:
    save_plain(name, tmp_path / "decoder")
    with pytest.raises(ModelError, match="cross-attention"):
        read_decoder(str(tmp_path / "decoder"), None)


def test_code_that_comes_with_a_decoder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "decoder"
    save_plain("bert", folder)
    config = json.loads((folder / "config.json").read_text())
    code = {"AutoConfig": "theirs.Theirs", "AutoModelForCausalLM": "theirs.Theirs"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "of-a-stranger", "auto_map": code}))
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))  # who asks is answered yes
    with pytest.raises(ModelError):
        read_decoder(str(folder), None)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("name", "positions"), [("bert", 64), ("roberta", 65)])
def test_a_decoders_positions_are_those_left_for_text(tmp_path: Path, name: str, positions: int) -> None:
    save_plain(name, tmp_path / "decoder")
    decoder, _ = read_decoder(str(tmp_path / "decoder"), None)
    assert decoder.positions == positions
