"""Vectors of a model that is not trained (a guide, a teacher): made once for the texts of a run, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch

from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts, encoded_width, written_prompt
from embtune.model.fingerprint import model_fingerprint
from embtune.model.vector_files import VectorParts, kept_vectors, name_for

EMBEDDED_AT_ONCE = 32768  # texts sorted by length together: little padding, and a bound on memory
PART = 4096  # texts that are embedded, kept and read together where there may be millions: a minute's work of a CPU
_LAYOUT = 1  # of the files; another number finds none of the old ones

Autocast = Callable[[], AbstractContextManager[object]]


def frozen_vectors(
    model: TextEmbedder,
    texts: Sequence[str],
    prompt: str | None = None,
    *,
    cache: Path | None = None,
    device: torch.device | str | None = None,
    autocast: Autocast = nullcontext,
    token_budget: int = 4096,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Embed texts in evaluation mode, each once, or read what an earlier call made of the same.

    Which texts are computed together follows from the texts alone, so that vectors made again are equal bit for bit on
    the same machine, and a run that goes on needs no cache to be the run it was.

    Args:
        model: anything that `load_model` gives; it keeps its mode and reads raw texts with a tokenizer of its own.
        texts: distinct ones, in any order.
        prompt: as `encode_texts` takes it: None is the model's default prompt, if it has one.
        cache: folder of all cached vectors; they are found again by model, prompt, length, precision, device and texts.
            None keeps nothing.
        device: where to compute; None leaves the model where it is.
        autocast: makes the context to compute in: the precision of the training.
        token_budget: token slots computed at once.
        progress: called with the number of texts just done; vectors that are found are done at once.

    Returns:
        (N, D) float32, D as `encode_texts` gives it; from a cache it is a read-only file mapped into memory.

    Raises:
        RunError: the cache cannot be written.
    """
    if device is not None:
        model.to(device)
    shape = len(texts), encoded_width(model)

    def parts() -> Iterator[np.ndarray]:
        for start in range(0, len(texts), EMBEDDED_AT_ONCE):
            part = texts[start : start + EMBEDDED_AT_ONCE]
            yield encode_texts(model, part, prompt, token_budget=token_budget, autocast=autocast, progress=progress)

    if cache is None or not texts:
        return np.concatenate([np.empty((0, shape[1]), dtype=np.float32), *parts()])
    computed = _computed(model, prompt, autocast, token_budget)
    return kept_vectors(cache / "vectors" / name_for(computed, texts), shape, parts(), _about(model, texts), progress)


def frozen_parts(
    model: TextEmbedder,
    texts: Sequence[str],
    prompt: str | None = None,
    *,
    cache: Path,
    autocast: Autocast = nullcontext,
    token_budget: int = 4096,
    progress: Callable[[int], None] | None = None,
) -> VectorParts:
    """Embed any number of texts as `frozen_vectors` does, a part at a time, each of which is kept once it is done.

    Neither all texts nor all vectors are held in memory, and a process that was ended goes on with the part it was at.

    Args:
        texts: are sliced, a part at a time.

    Raises:
        RunError: the cache cannot be written.
    """
    width = encoded_width(model)
    computed = _computed(model, prompt, autocast, token_budget)
    folders = []
    for start in range(0, len(texts), PART):
        part = texts[start : start + PART]

        def vectors(part: Sequence[str] = part) -> Iterator[np.ndarray]:
            yield encode_texts(model, part, prompt, token_budget=token_budget, autocast=autocast, progress=progress)

        folders.append(cache / "vectors" / name_for(computed, part))
        kept_vectors(folders[-1], (len(part), width), vectors(), _about(model, part), progress)
    return VectorParts(tuple(folders), (len(texts), width), PART)


def _precision(model: TextEmbedder, autocast: Autocast) -> str:
    """What the context computes in, asked of torch inside it."""
    with autocast():
        kind = model.device.type
        return str(torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32)


def _computed(model: TextEmbedder, prompt: str | None, autocast: Autocast, token_budget: int) -> list[object]:
    """Everything but the texts that decides vectors, down to their rounding."""
    before, _ = written_prompt(model, prompt)
    computed = [_LAYOUT, model_fingerprint(model), before, _precision(model, autocast), model.device.type]
    return [*computed, token_budget, EMBEDDED_AT_ONCE]


def _about(model: TextEmbedder, texts: Sequence[str]) -> str:
    return f"{len(texts)} texts by {model.encoder.architecture}"
