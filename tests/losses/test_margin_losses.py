"""Triplet, contrastive and cosine losses on examples worked by hand."""

from __future__ import annotations

import pytest
import torch
from objectives import built, scored_columns

EAST, NORTH, WEST = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [("cosine", 0 - 1 + 1.5), ("euclidean", 0 - 2**0.5 + 1.5), ("manhattan", 0.0)],
)
def test_triplet_is_the_missing_margin(metric: str, wanted: float) -> None:
    columns = {"anchor": torch.tensor([EAST]), "positive": torch.tensor([EAST]), "negative": torch.tensor([NORTH])}
    found = scored_columns(built("TripletLoss", distance_metric=metric, triplet_margin=1.5), columns)
    assert found.value.item() == pytest.approx(wanted)


def test_triplet_of_equal_texts_costs_the_margin_and_learns_nothing() -> None:
    column = torch.tensor([EAST, NORTH])
    found = scored_columns(built("TripletLoss"), {"anchor": column, "positive": column, "negative": column})
    assert found.value == 5
    assert not any(gradient.any() for gradient in found.gradients.values())


def test_triplet_accepts_a_numbered_negative() -> None:
    columns = {"anchor": torch.tensor([EAST]), "positive": torch.tensor([EAST]), "negative_1": torch.tensor([NORTH])}
    objective = built("TripletLoss", triplet_margin=2.0)
    objective.request(tuple(columns))
    assert scored_columns(objective, columns).value.item() == pytest.approx(2 - 2**0.5)


def test_contrastive_pulls_ones_and_pushes_near_zeros() -> None:
    columns = {
        "sentence_A": torch.tensor([EAST, EAST, EAST]),
        "sentence_B": torch.tensor([NORTH, EAST, WEST]),
    }
    labels = torch.tensor([1, 0, 0])  # distances 1, 0, 2
    found = scored_columns(built("ContrastiveLoss"), columns, labels)
    assert found.value.item() == pytest.approx((1 + 0.25 + 0) / 2 / 3)
    summed = scored_columns(built("ContrastiveLoss", size_average=False), columns, labels)
    assert summed.value.item() == pytest.approx((1 + 0.25 + 0) / 2)


def test_contrastive_takes_truth_values() -> None:
    columns = {"sentence_A": torch.tensor([EAST, EAST]), "sentence_B": torch.tensor([NORTH, EAST])}
    as_numbers = scored_columns(built("ContrastiveLoss"), columns, torch.tensor([1, 0])).value
    assert scored_columns(built("ContrastiveLoss"), columns, torch.tensor([True, False])).value == as_numbers


def test_cosine_similarity_is_the_squared_miss() -> None:
    columns = {"sentence_A": torch.tensor([EAST, EAST]), "sentence_B": torch.tensor([NORTH, WEST])}
    found = scored_columns(built("CosineSimilarityLoss"), columns, torch.tensor([0.5, 1.0]))
    assert found.value.item() == pytest.approx((0.25 + 4) / 2)
    halved = built("CosineSimilarityLoss", loss_fct="l1", cos_score_transformation="unit_interval")
    assert scored_columns(halved, columns, torch.tensor([0.5, 1.0])).value.item() == pytest.approx((0 + 1) / 2)


def test_a_loss_of_scored_pairs_refuses_triplets() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        built("CosineSimilarityLoss").request(("anchor", "positive", "negative"))
