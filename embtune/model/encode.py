"""Texts to vectors, outside of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch

from embtune.errors import ran_out_of_memory
from embtune.model.embedder import TextEmbedder
from embtune.model.lanes import lane_count, lanes

TOKENISED_AT_ONCE = 4096  # texts


def encode_texts(
    model: TextEmbedder,
    texts: Sequence[str],
    prompt: str | None = None,
    *,
    token_budget: int = 4096,
    device: torch.device | str | None = None,
    autocast: Callable[[], AbstractContextManager[object]] | None = None,
    max_length: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Embed texts in evaluation mode. The order and the batches change a vector by rounding only.

    Args:
        model: comes back in the mode it was in.
        texts: any number.
        prompt: a name among the model's prompts, or itself the text to put before each input; None takes the model's
            default prompt, if it has one, and "" none.
        token_budget: token slots computed at once; a longer text goes alone. Where memory runs out it is halved.
        device: where to compute; the model is moved there. None leaves it where it is.
        autocast: makes the context each batch is computed in.
        max_length: longest text in tokens, instead of the model's limit.
        progress: called with the number of texts just embedded.

    Returns:
        (N, D) float32; D is `truncate_dim` where the model has one.
    """
    if device is not None:
        model.to(device)
    before, prompt_length = written_prompt(model, prompt)
    tokens = _tokenise(model, texts, before, max_length or model.max_seq_length)
    width = encoded_width(model)
    vectors = np.empty((len(texts), width), dtype=np.float32)
    was_training = model.training
    model.eval()
    try:
        batches = list(length_batches([len(ids) for ids in tokens], token_budget))
        embed = partial(_embedded, model, tokens, prompt_length, autocast)
        with lanes(min(max(1, len(batches)), lane_count(model, model.device))) as side_by_side:
            for rows, embedded in zip(batches, side_by_side.map(embed, batches), strict=True):
                vectors[rows] = embedded[:, :width]
                if progress:
                    progress(len(rows))
    finally:
        model.train(was_training)
    return vectors


def _embedded(
    model: TextEmbedder,
    tokens: Sequence[np.ndarray],
    prompt_length: int,
    autocast: Callable[[], AbstractContextManager[object]] | None,
    rows: Sequence[int],
) -> np.ndarray:
    """(n, D) float32 of some of the texts: in one pass, or half by half where there is no memory for it."""
    try:
        features = model.collate([tokens[row] for row in rows], [prompt_length] * len(rows)).to(model.device)
        with torch.inference_mode(), autocast() if autocast else nullcontext(), uncompiled(model):
            embedded: np.ndarray = model(features)[-1].float().cpu().numpy()
    except (RuntimeError, MemoryError) as error:
        if len(rows) == 1 or not ran_out_of_memory(error):
            raise
    else:
        return embedded
    halves = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    return np.concatenate([_embedded(model, tokens, prompt_length, autocast, half) for half in halves])


def uncompiled(model: TextEmbedder) -> AbstractContextManager[object]:
    """A context in which compiled layers compute as they are written: compiling another program takes longer."""
    return torch.compiler.set_stance("force_eager") if model.compiled else nullcontext()


def encoded_width(model: TextEmbedder) -> int:
    """D of encoded vectors: `truncate_dim` where the model has one."""
    return min(model.embedding_dim, model.settings.truncate_dim or model.embedding_dim)


def written_prompt(model: TextEmbedder, prompt: str | None) -> tuple[str, int]:
    """The text that `encode_texts` puts before each input, and its length in tokens."""
    name = model.settings.default_prompt_name if prompt is None else prompt
    text = model.prompts.get(name or "", name or "")
    return text, model.tokenizer.prompt_length(text)


def _tokenise(model: TextEmbedder, texts: Sequence[str], before: str, max_length: int | None) -> list[np.ndarray]:
    tokens: list[np.ndarray] = []
    for start in range(0, len(texts), TOKENISED_AT_ONCE):
        part = [before + text for text in texts[start : start + TOKENISED_AT_ONCE]]
        tokens += model.tokenizer.encode(part, max_length)
    return tokens


def length_batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Rows in batches of at most `token_budget` slots, the longest first: what cannot be computed fails at once."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    while order:
        longest = max(1, lengths[order[0]])
        count = max(1, token_budget // longest)
        yield order[:count]
        order = order[count:]
