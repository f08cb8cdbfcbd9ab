"""The end of a run: save the model, read it back, and hold the two against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from embtune.errors import RunError
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model

_TOLERANCE = 1e-5
_TEXTS = 8


def save_and_read_back(model: TextEmbedder, folder: Path, card: str, texts: list[str]) -> None:
    """Save the model and check that what is on disk gives the same vectors.

    Args:
        texts: the first eight are embedded by both.

    Raises:
        RunError: it cannot be written, or gives other vectors.
    """
    save_model(model, folder, card)
    probe = texts[:_TEXTS]
    saved = load_model(str(folder)).to(model.device)
    difference = float(np.abs(encode_texts(model, probe) - encode_texts(saved, probe)).max(initial=0.0))
    if not difference <= _TOLERANCE:
        raise RunError.of(
            "saved-model-differs",
            f"the model in {folder} gives other vectors than the one in memory (by up to {difference:.1e})",
            "This is a fault of embtune: please report it with the config. The checkpoints are whole.",
        )
