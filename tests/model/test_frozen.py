"""Frozen vectors are the encoder's own, made once, and found again by everything that decides them and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import TEXTS

from embtune.errors import RunError
from embtune.model import frozen
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.frozen import frozen_parts, frozen_vectors
from embtune.model.load import load_model


@pytest.fixture(params=["bert", "static"])
def model(request: pytest.FixtureRequest, plain_folder: Callable[[str], Path]) -> TextEmbedder:
    if request.param == "static":
        return load_model("scratch:static?width=16", scratch_texts=lambda: TEXTS)
    return load_model(str(plain_folder("bert")), prompts={"query": "what is "})


class Counted:
    """A context that counts how often it was computed in, the one time it is asked for its precision left out."""

    def __init__(self, make: Callable[[], AbstractContextManager[object]]) -> None:
        self.make = make
        self.count = -1

    def __call__(self) -> AbstractContextManager[object]:
        self.count += 1
        return self.make()


def fp32() -> AbstractContextManager[object]:
    return torch.autocast("cpu", enabled=False)


def bf16() -> AbstractContextManager[object]:
    return torch.autocast("cpu", dtype=torch.bfloat16)


def test_they_are_what_encoding_gives(model: TextEmbedder, tmp_path: Path) -> None:
    expected = encode_texts(model, TEXTS, "who is ")
    for cache in (None, tmp_path):
        found = frozen_vectors(model, TEXTS, "who is ", cache=cache)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.float32


def test_the_second_call_computes_nothing_and_gives_the_same_bits(model: TextEmbedder, tmp_path: Path) -> None:
    first = frozen_vectors(model, TEXTS, cache=tmp_path)
    done: list[int] = []
    context = Counted(fp32)
    again = frozen_vectors(model, TEXTS, cache=tmp_path, autocast=context, progress=done.append)
    assert context.count == 0
    assert done == [len(TEXTS)]
    np.testing.assert_array_equal(first, again)


def test_damaged_vectors_are_made_again(model: TextEmbedder, tmp_path: Path) -> None:
    first = np.array(frozen_vectors(model, TEXTS, cache=tmp_path))
    (stored,) = tmp_path.glob("vectors/*/vectors.bin")
    stored.write_bytes(stored.read_bytes()[:-1] + b"\x7f")
    np.testing.assert_array_equal(frozen_vectors(model, TEXTS, cache=tmp_path), first)


def computed(model: TextEmbedder, cache: Path, prompt: str | None = None, texts: list[str] | None = None) -> bool:
    context = Counted(fp32)
    frozen_vectors(model, texts or TEXTS, prompt, cache=cache, autocast=context)
    return context.count > 0


def test_whatever_decides_a_vector_decides_where_it_is_kept(model: TextEmbedder, tmp_path: Path) -> None:
    assert computed(model, tmp_path)
    assert computed(model, tmp_path, prompt="who is ")
    assert computed(model, tmp_path, texts=TEXTS[:-1])
    assert computed(model, tmp_path, texts=[*TEXTS[1:], TEXTS[0]])
    assert computed(model, tmp_path, texts=[TEXTS[0] + TEXTS[1], "", *TEXTS[2:]])
    model.settings.max_seq_length = 4
    assert computed(model, tmp_path)
    with torch.no_grad():
        next(model.parameters())[-1, -1] += 1
    assert computed(model, tmp_path)
    context = Counted(bf16)
    frozen_vectors(model, TEXTS, cache=tmp_path, autocast=context)
    assert context.count > 0
    assert not computed(model, tmp_path)


def test_mode_place_and_unused_prompts_decide_nothing(plain_folder: Callable[[str], Path], tmp_path: Path) -> None:
    model = load_model(str(plain_folder("bert")))
    assert computed(model, tmp_path)
    copied = tmp_path / "elsewhere"
    copied.symlink_to(plain_folder("bert"))
    other = load_model(str(copied), prompts={"query": "what is "}).train()
    assert not computed(other, tmp_path)
    assert not computed(other, tmp_path, prompt="")
    assert computed(other, tmp_path, prompt="query")
    assert not computed(other, tmp_path, prompt="what is ")


def test_texts_of_several_parts_keep_their_order(
    model: TextEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.concatenate([encode_texts(model, TEXTS[i : i + 2]) for i in range(0, len(TEXTS), 2)])
    monkeypatch.setattr(frozen, "EMBEDDED_AT_ONCE", 2)
    np.testing.assert_array_equal(frozen_vectors(model, TEXTS, cache=tmp_path), expected)


def test_no_text_gives_no_vector(model: TextEmbedder, tmp_path: Path) -> None:
    assert frozen_vectors(model, [], cache=tmp_path).shape == (0, model.embedding_dim)


def test_vectors_are_as_wide_as_the_model_wants_to_be_read(model: TextEmbedder, tmp_path: Path) -> None:
    whole = frozen_vectors(model, TEXTS, cache=tmp_path)
    model.settings.truncate_dim = 8
    np.testing.assert_array_equal(frozen_vectors(model, TEXTS, cache=tmp_path), whole[:, :8])


def test_parts_are_what_encoding_them_gives_and_hold_all_texts(
    model: TextEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "PART", 3)
    parts = frozen_parts(model, TEXTS, "who is ", cache=tmp_path)
    expected = [encode_texts(model, TEXTS[start : start + 3], "who is ") for start in range(0, len(TEXTS), 3)]
    assert parts.shape == (len(TEXTS), model.embedding_dim)
    for found, part in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(found, part)


def test_parts_that_are_done_are_not_made_again(
    model: TextEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "PART", 3)
    frozen_parts(model, TEXTS[:6], cache=tmp_path)
    context = Counted(fp32)
    frozen_parts(model, TEXTS[:6], cache=tmp_path, autocast=context)
    assert context.count == 0
    frozen_parts(model, TEXTS, cache=tmp_path, autocast=context)  # the one text that is new
    assert context.count == 2  # asked for its precision once more


def test_a_part_that_is_gone_while_it_is_read_is_told(model: TextEmbedder, tmp_path: Path) -> None:
    parts = frozen_parts(model, TEXTS, cache=tmp_path)
    (parts.folders[0] / "vectors.bin").unlink()
    with pytest.raises(RunError, match="deleted or damaged"):
        list(parts)
