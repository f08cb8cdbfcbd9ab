from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import TEXTS
from torch import nn

from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.features import Features
from embtune.model.load import load_model

MANY = [text[i:] for text in TEXTS for i in range(0, 12, 3)]


@pytest.fixture(params=["bert", "static"])
def model(request: pytest.FixtureRequest, plain_folder: Callable[[str], Path]) -> TextEmbedder:
    if request.param == "static":
        return load_model("scratch:static?width=16", scratch_texts=lambda: TEXTS)
    return load_model(str(plain_folder("bert")), prompts={"query": "what is "})


@pytest.mark.parametrize("token_budget", [1, 30, 4096])
def test_any_batching_equals_one_text_at_a_time(model: TextEmbedder, token_budget: int) -> None:
    alone = np.concatenate([encode_texts(model, [text]) for text in MANY])
    np.testing.assert_allclose(encode_texts(model, MANY, token_budget=token_budget), alone, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_where_memory_runs_out_fewer_texts_are_embedded_at_once(model: TextEmbedder, error: Exception) -> None:
    """A device that has none for more than two texts, played by a hook before the model."""
    wanted = encode_texts(model, MANY)

    def small_device(module: nn.Module, inputs: tuple[Features, ...]) -> None:
        offsets, ids = inputs[0].offsets, inputs[0].input_ids
        if (len(ids) if offsets is None else len(offsets) - 1) > 2:
            raise error

    handle = model.register_forward_pre_hook(small_device)
    done: list[int] = []
    np.testing.assert_allclose(encode_texts(model, MANY, progress=done.append), wanted, atol=1e-6, rtol=1e-5)
    assert sum(done) == len(MANY)
    handle.remove()


def test_no_memory_for_one_text_is_an_error(model: TextEmbedder) -> None:
    def no_device(module: nn.Module, inputs: tuple[Features, ...]) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    handle = model.register_forward_pre_hook(no_device)
    with pytest.raises(torch.OutOfMemoryError):
        encode_texts(model, MANY)
    handle.remove()


def test_no_text_gives_no_vector(model: TextEmbedder) -> None:
    vectors = encode_texts(model, [])
    assert vectors.shape == (0, model.embedding_dim)
    assert vectors.dtype == np.float32


def test_an_empty_text_gives_a_finite_vector(model: TextEmbedder) -> None:
    assert np.isfinite(encode_texts(model, [""])).all()


def test_a_prompt_is_a_name_or_the_text_itself(plain_folder: Callable[[str], Path]) -> None:
    model = load_model(str(plain_folder("bert")), prompts={"query": "what is "})
    expected = encode_texts(model, [f"what is {text}" for text in TEXTS])
    np.testing.assert_array_equal(encode_texts(model, TEXTS, "query"), expected)
    np.testing.assert_array_equal(encode_texts(model, TEXTS, "what is "), expected)
    model.settings.default_prompt_name = "query"
    np.testing.assert_array_equal(encode_texts(model, TEXTS), expected)
    np.testing.assert_array_equal(encode_texts(model, [f"what is {text}" for text in TEXTS], ""), expected)


def test_dropout_is_off_and_the_mode_comes_back(model: TextEmbedder) -> None:
    model.train()
    np.testing.assert_array_equal(encode_texts(model, TEXTS), encode_texts(model, TEXTS))
    assert model.training
    model.eval()
    encode_texts(model, TEXTS)
    assert not model.training


def test_the_mode_comes_back_after_an_error_too(model: TextEmbedder) -> None:
    def fail(done: int) -> None:
        raise RuntimeError("stop")

    model.train()
    with pytest.raises(RuntimeError, match="stop"):
        encode_texts(model, TEXTS, progress=fail)
    assert model.training


def test_texts_are_cut_at_the_length_asked_for(model: TextEmbedder) -> None:
    cut = encode_texts(model, [TEXTS[1]], max_length=5)
    ids = model.tokenizer.encode([TEXTS[1]], 5)
    assert len(ids[0]) == 5
    with torch.no_grad():
        np.testing.assert_allclose(cut, model(model.collate(ids))[-1].numpy(), atol=1e-6)


def test_progress_counts_every_text(model: TextEmbedder) -> None:
    done: list[int] = []
    encode_texts(model, MANY, token_budget=50, progress=done.append)
    assert sum(done) == len(MANY)
    assert len(done) > 1
