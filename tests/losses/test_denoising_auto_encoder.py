"""The denoising autoencoder against a slow loop, against Sentence Transformers, and in shares of a step."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import TEXTS, save_plain
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.entries.denoising_auto_encoder import DenoisingAutoEncoderParameters
from embtune.losses.denoising_auto_encoder import DenoisingAutoEncoder
from embtune.losses.objective import NO_TOKEN, Batch, BuildContext, View
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.pipeline.decoders import Decoders

ORIGINAL = View("text", "decoder")


@pytest.fixture
def model(tmp_path: Path) -> TextEmbedder:
    """A small BERT without dropout."""
    save_plain("bert", tmp_path / "bert")
    return load_model(str(tmp_path / "bert"), dropout=0.0)


def objective(model: TextEmbedder, width: int | None = None) -> DenoisingAutoEncoder:
    torch.manual_seed(0)
    context = BuildContext(width or model.embedding_dim, model.depth, decoder=Decoders(model).build)
    return DenoisingAutoEncoder.build(DenoisingAutoEncoderParameters(), context)


def targets(model: TextEmbedder, texts: list[str], max_length: int | None = 20) -> Tensor:
    rows = model.tokenizer.encode(texts, max_length)
    length = max(map(len, rows))
    padded = [np.pad(row, (0, length - len(row)), constant_values=NO_TOKEN) for row in rows]
    return torch.from_numpy(np.stack(padded)).long()


def batch(table_BD: Tensor, tokens_BT: Tensor, whole: Batch | None = None) -> Batch:
    return Batch({View("text"): table_BD[None]}, size=len(table_BD), targets={ORIGINAL: tokens_BT}, whole=whole)


def test_it_is_the_mean_over_all_tokens_of_all_texts(model: TextEmbedder) -> None:
    loss, tokens = objective(model), targets(model, TEXTS[:4])
    sentences = torch.randn(4, 32)
    total, count = 0.0, 0
    for sentence, row in zip(sentences, tokens, strict=True):
        ids = row[row != NO_TOKEN]
        for place in range(1, len(ids)):
            logits = loss.decoder.logits(loss.decoder.states(sentence[None], ids[None, :place]))[0, -1]
            total -= float(F.log_softmax(logits.detach().double(), dim=0)[ids[place]])
            count += 1
    assert float(loss.terms(batch(sentences, tokens))["denoising"].detach()) == pytest.approx(total / count, rel=1e-5)


def test_shares_of_a_step_add_up_to_the_whole(model: TextEmbedder) -> None:
    loss, tokens = objective(model), targets(model, TEXTS[:5])
    sentences = torch.randn(5, 32)
    whole = batch(sentences, tokens)
    parts = [batch(sentences[rows], tokens[rows, :20], whole) for rows in ([0, 3], [1], [2, 4])]
    share = sum(float(loss.terms(part)["denoising"].detach()) for part in parts)
    assert share == pytest.approx(float(loss.terms(whole)["denoising"].detach()), rel=1e-5)


def test_texts_without_a_token_to_predict_cost_nothing_and_keep_a_graph(model: TextEmbedder) -> None:
    loss = objective(model)
    sentences = torch.randn(2, 32, requires_grad=True)
    value = loss.terms(batch(sentences, torch.full((2, 1), NO_TOKEN)))["denoising"]
    assert float(value.detach()) == 0
    value.backward()  # type: ignore[no-untyped-call]
    assert sentences.grad is not None
    assert not sentences.grad.any()


def test_another_width_gets_a_map_of_its_own_and_the_same_decoder(model: TextEmbedder) -> None:
    context = BuildContext(32, model.depth, decoder=Decoders(model).build)
    full = DenoisingAutoEncoder.build(DenoisingAutoEncoderParameters(), context)
    narrow = DenoisingAutoEncoder.build(
        DenoisingAutoEncoderParameters(), BuildContext(8, model.depth, decoder=context.decoder)
    )
    assert narrow.decoder is full.decoder
    assert {name for name, _ in narrow.named_parameters()} - {name for name, _ in full.named_parameters()} == {
        "projection.weight", "projection.bias",
    }  # fmt: skip
    assert narrow.terms(batch(torch.randn(2, 8), targets(model, TEXTS[:2])))["denoising"].isfinite()


def test_value_and_gradients_are_those_of_sentence_transformers(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the extra `parity`")
    from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss

    save_plain("bert", tmp_path / "bert")
    mine = load_model(str(tmp_path / "bert"), dropout=0.0)
    loss = objective(mine)
    damaged, original = ["a man playing stage", "dogs run field third", "treatment blood"], TEXTS[:3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sentence_transformers.SentenceTransformer(str(tmp_path / "bert"), device="cpu").eval()
        oracle = DenoisingAutoEncoderLoss(theirs, tie_encoder_decoder=True).eval()
    oracle.decoder.load_state_dict(loss.get_submodule("decoder.model").state_dict())
    wanted = oracle([theirs.preprocess(damaged), theirs.preprocess(original)], None)
    wanted.backward()

    mine.eval()
    features = mine.collate(mine.tokenizer.encode(damaged, mine.max_seq_length))
    value = loss.terms(batch(mine(features)[-1], targets(mine, original, mine.max_seq_length)))["denoising"]
    value.backward()  # type: ignore[no-untyped-call]
    assert float(value.detach()) == pytest.approx(float(wanted.detach()), rel=1e-6)
    gradients = {name: p.grad for name, p in oracle.decoder.named_parameters() if p.grad is not None}
    found = {name: p.grad for name, p in loss.named_parameters()}
    assert len(gradients) > 40
    for name, gradient in gradients.items():
        ours = found[f"decoder.model.{name}"]
        assert ours is not None, name
        assert float((ours - gradient).abs().max()) <= 1e-5 * float(gradient.abs().max()) + 1e-9, name
