"""Every loss in real steps over rows that hold nothing to learn from: finite loss and gradients, in fp32 and in bf16.

One row, one class, classes that occur once, equal texts, empty texts (whose static embedding is a zero vector); rows
that are made of texts are made of such texts.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conformance_grid import Cell, all_cells
from conformance_step import LARGE, Stepped, prepare_cell, save_guide, step_over

from embtune.config.words import Precision
from embtune.data.tokens import TokenStore
from embtune.losses.objective import View
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.job import Job
from embtune.train.precision import MixedPrecision
from embtune.train.rows import TextColumn, TrainingRows

CELLS = tuple(cell for cell in all_cells() if cell.modifier == "none" and not cell.lora)
BATCH = np.arange(6)


@pytest.fixture(scope="session")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model for losses that want one beside the trained."""
    return save_guide(tmp_path_factory.mktemp("guide"))


def with_texts(
    rows: TrainingRows, model: TextEmbedder, texts: list[str], text_of_row: np.ndarray, views: Container[View]
) -> TrainingRows:
    """The rows with other texts in some views and targets; a row without a text stays without."""
    store = TokenStore.build(texts, lambda some: model.tokenizer.encode(some, model.max_seq_length))

    def filled(column: TextColumn) -> TextColumn:
        return replace(column, store=store, text_of_row=np.where(column.text_of_row >= 0, text_of_row, -1))

    columns = {view: filled(column) if view in views else column for view, column in rows.columns.items()}
    targets = {view: filled(column) if view in views else column for view, column in rows.targets.items()}
    return replace(rows, columns=columns, targets=targets)


def degenerate(data: TrainingRows, model: TextEmbedder) -> Iterator[tuple[str, TrainingRows, np.ndarray]]:
    """Name, data and rows of each degenerate batch."""
    yield "one row", data, BATCH[:1]
    if data.labels is not None:
        yield "equal labels", replace(data, labels=data.labels[:1].expand_as(data.labels)), BATCH
    if data.labels is not None and data.labels.dim() == 1:
        _, first = np.unique(data.labels.numpy(), return_index=True)
        yield "all labels distinct", data, first[:6]
    everywhere, zeros = {*data.columns, *data.targets}, np.zeros(data.size, dtype=np.int64)
    yield "equal texts", with_texts(data, model, ["cat sat"], zeros, everywhere), BATCH
    yield "empty texts", with_texts(data, model, [""], zeros, everywhere), BATCH
    view, one_row = next(iter(data.columns)), (np.arange(data.size) == 0).astype(np.int64)
    yield "an empty text", with_texts(data, model, ["cat sat", ""], one_row, {view}), BATCH


def is_finite(found: Stepped) -> bool:
    """No NaN and no infinity, in loss or gradients, and no gradient of an absurd size."""
    gradients = [gradient for gradient in found.gradients.values() if gradient is not None]
    sane = all(float(gradient.abs().max()) < 1e5 for gradient in gradients)  # False for NaN, too
    return math.isfinite(found.outcome.loss) and sane


def with_precision(job: Job, precision: Precision) -> Job:
    """The job in another precision."""
    return replace(job, training=replace(job.training, precision=MixedPrecision(precision, torch.device("cpu"))))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_steps_over_degenerate_rows_are_finite(cell: Cell, tmp_path: Path, guide: Path) -> None:
    job = prepare_cell(cell, tmp_path, guide)
    (task,) = job.training.tasks
    for name, data, rows in degenerate(task.rows, job.model):
        made, scored = replace(task, rows=data).of_step(rows, seed=1)
        for precision in (Precision.FP32, Precision.BF16):
            found = step_over(with_precision(job, precision), made, scored, LARGE)
            assert is_finite(found), (name, precision, found.outcome.terms)
