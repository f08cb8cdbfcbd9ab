"""Oracle: the same texts in padded rows, by the model's own attention."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import MINILM
from torch import Tensor

from embtune.model.dropout import override_in_modules
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.encoder import TransformerEncoder
from embtune.model.features import Features
from embtune.model.fingerprint import model_fingerprint
from embtune.model.load import load_model
from embtune.model.packed_attention import NAME
from embtune.model.packing import pack, pack_if_alike
from embtune.model.save import save_model

Folder = Callable[[str], Path]
PACKING = ("bert", "roberta", "mpnet", "distilbert", "modernbert", "qwen3", "albert", "electra")
LENGTHS = (3, 17, 1, 40, 9)


def _model(folder: Path | str, pooling: str = "mean") -> TextEmbedder:
    return load_model(str(folder), pooling=pooling)


def _encoder(model: TextEmbedder) -> TransformerEncoder:
    assert isinstance(model.encoder, TransformerEncoder)
    return model.encoder


def _texts(vocabulary: int, prompts: bool = False) -> tuple[list[np.ndarray], list[int] | None]:
    draws = np.random.default_rng(1)
    return [draws.integers(10, vocabulary, n) for n in LENGTHS], [2, 1, 0, 5, 3] if prompts else None


def _both(model: TextEmbedder, prompts: bool = False) -> tuple[Features, Features]:
    """Some texts padded, then packed; the model packs from then on."""
    texts, lengths = _texts(int(_encoder(model).model.config.vocab_size), prompts)
    padded = model.collate(texts, lengths)
    assert pack(_encoder(model))
    return padded, model.collate(texts, lengths)


def _gradients(model: TextEmbedder, embedded: Tensor) -> dict[str, Tensor]:
    torch.manual_seed(3)
    named = dict(model.named_parameters())
    total = (embedded * torch.randn_like(embedded)).sum()
    grads = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    return {name: grad for name, grad in zip(named, grads, strict=True) if grad is not None}


@pytest.mark.parametrize("name", PACKING)
def test_packed_texts_give_the_vectors_and_gradients_of_padded_ones(name: str, plain_folder: Folder) -> None:
    reference, model = (_model(plain_folder(name)).double() for _ in range(2))
    padded, packed = _both(model)
    assert packed.token_slots == sum(LENGTHS) < padded.token_slots
    expected, found = reference(padded), model(packed)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    theirs, ours = _gradients(reference, expected), _gradients(model, found)
    assert theirs.keys() == ours.keys()
    for key, gradient in theirs.items():
        torch.testing.assert_close(ours[key], gradient, rtol=1e-7, atol=1e-9, msg=key)


@pytest.mark.parametrize("name", PACKING)
def test_every_layer_of_packed_texts_is_that_of_padded_ones(name: str, plain_folder: Folder) -> None:
    reference, model = (_model(plain_folder(name), "lasttoken") for _ in range(2))
    padded, packed = _both(model)
    expected, found = reference(padded, every_layer=True), model(packed, every_layer=True)
    assert found.shape[0] == model.depth + 1
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(found[-1], model(packed)[0])


@pytest.mark.parametrize("name", ["deberta", "t5"])
def test_an_architecture_that_packs_wrongly_goes_on_with_padding(name: str, plain_folder: Folder) -> None:
    model = _model(plain_folder(name))
    before = encode_texts(model, ["some words", "other words than those"])
    assert not pack(_encoder(model))
    assert not model.encoder.packs
    np.testing.assert_array_equal(encode_texts(model, ["some words", "other words than those"]), before)


def test_a_pretrained_model_packs_to_the_same_vectors() -> None:
    reference, model = _model(MINILM), _model(MINILM)
    padded, packed = _both(model)
    torch.testing.assert_close(model(packed), reference(padded), rtol=1e-5, atol=1e-5)


def test_prompts_are_left_out_of_packed_texts_too(plain_folder: Folder) -> None:
    reference, model = (_model(plain_folder("bert")) for _ in range(2))
    for each in (reference, model):
        _encoder(each).pooling.include_prompt = False
    padded, packed = _both(model, prompts=True)
    torch.testing.assert_close(model(packed), reference(padded), rtol=1e-5, atol=1e-5)


def test_a_text_without_tokens_is_computed_as_in_padded_rows(plain_folder: Folder) -> None:
    reference, model = (_model(plain_folder("roberta")) for _ in range(2))
    assert pack(_encoder(model))
    texts = [np.array([5, 6]), np.empty(0, dtype=np.int64), np.array([7])]
    found, expected = model(model.collate(texts)), reference(reference.collate(texts))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "mpnet", "modernbert"])
def test_dropout_is_drawn_from_the_seed_alone(name: str, plain_folder: Folder) -> None:
    model = _model(plain_folder(name))
    override_in_modules(model, 0.2)
    _, packed = _both(model)
    model.train()

    def passed(seed: int) -> tuple[Tensor, dict[str, Tensor]]:
        torch.manual_seed(seed)
        embedded = model(packed)
        return embedded, _gradients(model, embedded)

    (first, gradients), (again, same), (other, _) = passed(1), passed(1), passed(2)
    with torch.no_grad():
        torch.manual_seed(1)
        assert torch.equal(model(packed), first)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert all(torch.equal(gradients[key], same[key]) for key in gradients)


def test_padded_features_are_refused_where_packing_would_leak(plain_folder: Folder) -> None:
    model = _model(plain_folder("bert"))
    padded, _ = _both(model)
    with pytest.raises(RuntimeError, match="bounds"):
        model(padded)


@pytest.mark.parametrize("name", ["bert", "mpnet"])
def test_packing_leaves_no_trace_in_what_is_saved(name: str, plain_folder: Folder, tmp_path: Path) -> None:
    reference, model = (_model(plain_folder(name)) for _ in range(2))
    assert pack(_encoder(model))
    assert model_fingerprint(model) == model_fingerprint(reference)
    save_model(model, tmp_path / "packed")
    save_model(reference, tmp_path / "padded")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "packed" / file).read_bytes() == (tmp_path / "padded" / file).read_bytes()
    assert NAME not in (tmp_path / "packed" / "config.json").read_text()


@pytest.mark.gpu
@pytest.mark.parametrize("name", PACKING)
@pytest.mark.parametrize(
    ("dtype", "close"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)], ids=["fp32", "bf16"]
)  # fmt: skip
def test_on_a_gpu_packed_texts_give_the_vectors_and_gradients_of_padded_ones(
    name: str, dtype: torch.dtype, close: float, plain_folder: Folder
) -> None:
    reference, model = (_model(plain_folder(name)).cuda() for _ in range(2))
    padded, packed = (each.to("cuda") for each in _both(model))
    with torch.autocast("cuda", dtype=dtype, enabled=dtype != torch.float32):
        expected, found = reference(padded), model(packed)
    theirs, ours = _gradients(reference, expected), _gradients(model, found)
    for key, right in {"vectors": expected, **theirs}.items():
        mine = found if key == "vectors" else ours[key]
        assert (mine - right).norm() <= close * right.norm() + 1e-6, key


@pytest.mark.gpu
@pytest.mark.parametrize("name", PACKING)
def test_on_a_gpu_dropout_is_replayed_bit_for_bit(name: str, plain_folder: Folder) -> None:
    model = _model(plain_folder(name)).cuda()
    override_in_modules(model, 0.2)
    _, packed = _both(model)
    features = packed.to("cuda")
    model.train()
    passes = []
    for gradients in (False, True):
        torch.manual_seed(1)
        with torch.set_grad_enabled(gradients), torch.autocast("cuda", dtype=torch.bfloat16):
            passes.append(model(features).detach())
    assert torch.equal(*passes)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_a_model_packs_without_being_asked(plain_folder: Folder, device: str) -> None:
    model = _model(plain_folder("bert")).to(device)
    pack_if_alike(model)
    assert model.packs
    assert model.notes == _model(plain_folder("bert")).notes


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_an_architecture_that_packs_wrongly_says_so(plain_folder: Folder, device: str) -> None:
    model = _model(plain_folder("deberta")).to(device)
    pack_if_alike(model)
    assert not model.packs
    assert any("padded, not packed" in note for note in model.notes)
