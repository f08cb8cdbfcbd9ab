"""`embtune encode`: texts to vectors, a part at a time, so that any number of texts goes through."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

import numpy as np

from embtune.data.readers.lines import read_lines
from embtune.errors import DataError, Location, ModelError, Problem
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.packing import pack_if_alike
from embtune.model.queries import TASKS, embedder_for
from embtune.pipeline.evaluate_job import model_folder
from embtune.train.budget import micro_batch_tokens
from embtune.train.precision import decide_device

_TEXTS_AT_ONCE = 4096


def encode_lines(model: str, prompt: str | None, stdin: BinaryIO) -> Iterator[list[float]]:
    """The vector of each line, in order; an empty line is an empty text.

    Args:
        model: anything `model.name_or_path` can be, or the directory of a run.
        prompt: the name of one of the model's prompts; None takes the model's default. Where queries have a model of
            their own, `query` and `document` choose one of the two.
        stdin: UTF-8, a text a line.

    Raises:
        ModelError: the model cannot be used, has no such prompt, or gives vectors that are not finite.
        DataError: a line that is not UTF-8.
    """
    device = decide_device()
    loaded = load_model(model_folder(model)).to(device)
    pack_if_alike(loaded)
    _check_prompt(loaded, prompt)
    embedder, prompt = embedder_for(loaded, prompt)
    lines = _texts(stdin)
    while part := list(islice(lines, _TEXTS_AT_ONCE)):
        vectors = encode_texts(embedder, part, prompt, token_budget=micro_batch_tokens(device))
        if not np.isfinite(vectors).all():  # JSON has no word for such numbers
            message = "it gives vectors that hold NaN or infinity"
            raise ModelError.of(
                "non-finite-embedding", message, "Its weights are damaged or diverged.", Location(model)
            )
        yield from vectors.tolist()


def _texts(stdin: BinaryIO) -> Iterator[str]:
    for line in read_lines(stdin):
        if line.fault:
            where = Location("<stdin>", line.number, line.fault.column)
            raise DataError(Problem(line.fault.code, line.fault.message, where, line.fault.hint))
        yield line.text.removesuffix("\n").removesuffix("\r")


def _check_prompt(embedder: TextEmbedder, prompt: str | None) -> None:
    chooses = embedder.queries is not None and prompt in TASKS
    if prompt is not None and not chooses and prompt not in embedder.prompts:
        there = ", ".join(embedder.prompts) or "none"
        raise ModelError.of("unknown-prompt", f"the model has no prompt {prompt!r}", f"Its prompts: {there}.")
