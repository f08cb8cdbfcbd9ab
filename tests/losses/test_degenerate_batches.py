"""Every loss on the batches that break careless maths: value and gradient stay finite, and of a sane size."""

from __future__ import annotations

import pytest
import torch
from objectives import Scored, built, scored_columns
from parity_cases import LABELS
from reference_mining import LOSSES as MINING
from torch import Tensor

ROLES = {
    "MultipleNegativesRankingLoss": ("anchor", "positive", "negative"),
    "TripletLoss": ("anchor", "positive", "negative"),
    "CoSENTLoss": ("sentence_A", "sentence_B"),
    "CosineSimilarityLoss": ("sentence_A", "sentence_B"),
    "ContrastiveLoss": ("sentence_A", "sentence_B"),
    "SoftmaxLoss": ("sentence_A", "sentence_B"),
    **{name: ("text",) for name in MINING},
    "EmbedDistillLoss": ("text_1", "text_2"),
    "MarginMSELoss": ("anchor", "positive", "negative"),
    "DistillKLDivLoss": ("anchor", "positive", "negative"),
}
# what a teacher says of each row
TAUGHT = {"EmbedDistillLoss": [1.0, 0, 2, 0], "MarginMSELoss": [0.5], "DistillKLDivLoss": [2.0, float("-inf")]}
METRICS = {
    "MultipleNegativesRankingLoss": [{"similarity_fct": s} for s in ("cosine", "dot", "euclidean", "manhattan")],
    "CoSENTLoss": [{"similarity_fct": s} for s in ("cosine", "dot", "euclidean", "manhattan")],
    "TripletLoss": [{"distance_metric": d} for d in ("cosine", "euclidean", "manhattan")],
    "ContrastiveLoss": [{"distance_metric": d} for d in ("cosine", "euclidean", "manhattan")],
    **{name: [{"distance_metric": d} for d in ("cosine", "euclidean", "manhattan")] for name in MINING},
    "EmbedDistillLoss": [{"distance_metric": d} for d in ("cosine", "mse", "l2")],
    "MarginMSELoss": [{"similarity_fct": s} for s in ("cosine", "dot", "euclidean", "manhattan")],
    "DistillKLDivLoss": [{"similarity_fct": s} for s in ("cosine", "dot", "euclidean", "manhattan")],
}
CASES = [(name, parameters) for name in ROLES for parameters in METRICS.get(name, [{}])]
every_loss = pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)


def score(name: str, parameters: dict[str, str], columns: list[Tensor]) -> Scored:
    labels = torch.tensor([TAUGHT[name]] * len(columns[0])) if name in TAUGHT else LABELS.get(name)
    some = None if labels is None else labels[: len(columns[0])]
    return scored_columns(built(name, **parameters), dict(zip(ROLES[name], columns, strict=True)), some, row_block=4)


def random_columns(name: str, rows: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return [torch.randn(rows, 4, generator=generator) for _ in ROLES[name]]


@every_loss
def test_one_row(name: str, parameters: dict[str, str]) -> None:
    assert score(name, parameters, random_columns(name, 1)).finite


@every_loss
def test_equal_texts_everywhere(name: str, parameters: dict[str, str]) -> None:
    column = torch.randn(1, 4).expand(6, 4)
    assert score(name, parameters, [column for _ in ROLES[name]]).finite


@every_loss
@pytest.mark.parametrize("place", ["a row", "a column", "everywhere"])
def test_zero_vectors(name: str, parameters: dict[str, str], place: str) -> None:
    columns = random_columns(name, 6)
    for number, column in enumerate(columns):
        column[0 if place == "a row" else slice(None)] *= place == "a column" and number > 0
    found = score(name, parameters, columns)
    assert found.finite
    assert all(float(gradient.abs().max()) < 100 for gradient in found.gradients.values())


@every_loss
def test_vectors_of_half_precision(name: str, parameters: dict[str, str]) -> None:
    columns = [column.bfloat16().float() for column in random_columns(name, 6)]
    found = score(name, parameters, columns)
    assert found.finite
    assert found.value.dtype is torch.float32


@every_loss
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_very_short_and_very_long_vectors(name: str, parameters: dict[str, str], size: float) -> None:
    assert score(name, parameters, [size * column for column in random_columns(name, 6)]).finite
