"""Weights that hold no numbers: told as such, and never written as vectors or blamed on the saving."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from small_models import TEXTS

from embtune.errors import ModelError, RunError
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.encode_job import encode_lines
from embtune.pipeline.finish import save_and_read_back


def damaged_model(value: float) -> TextEmbedder:
    model = load_model("scratch:static?width=8&vocab=80", scratch_texts=lambda: TEXTS)
    with torch.no_grad():
        next(model.parameters()).fill_(value)
    return model


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_vector_of_nan_is_printed(value: float, tmp_path: Path) -> None:
    save_model(damaged_model(value), tmp_path / "model")
    with pytest.raises(ModelError, match="NaN or infinity") as caught:
        list(encode_lines(str(tmp_path / "model"), None, io.BytesIO(b"a man\n")))
    assert str(caught.value).startswith(str(tmp_path / "model"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_diverged_is_told_to_have_when_it_is_saved(value: float, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"lower train.learning_rate"):
        save_and_read_back(damaged_model(value), tmp_path / "model", "", TEXTS[:2])
