"""Targets that a teacher gives: one or one each, cut, projected, of another width, from a frozen tower."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from objectives import CONTEXT, batch_of, built, built_for, parsed, scored, scored_columns

from embtune.errors import ConfigError
from embtune.losses.embed_distill import EmbedDistill
from embtune.losses.objective import BuildContext, View, guide_tower
from embtune.modifiers.build import build_objective

TEACHER = guide_tower("wise")
EAST, NORTH = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(("metric", "wanted"), [("cosine", 1.0), ("mse", (4 + 1) / 4), ("l2", 5**0.5)])
def test_each_metric_on_an_example_worked_by_hand(metric: str, wanted: float) -> None:
    objective = built("EmbedDistillLoss", distance_metric=metric)
    found = scored_columns(objective, {"text": 2 * torch.tensor([EAST])}, torch.tensor([NORTH]))
    assert found.value.item() == pytest.approx(wanted)


def test_mse_is_embed_distill_by_squares() -> None:
    column, label = {"text": torch.randn(5, 4)}, torch.randn(5, 4)
    squared = built("EmbedDistillLoss", distance_metric="mse")
    assert scored_columns(built("MSELoss"), column, label).value == scored_columns(squared, column, label).value


def test_columns_have_targets_of_their_own_where_labels_have_them() -> None:
    columns = {"text_1": torch.tensor([EAST]), "text_2": torch.tensor([NORTH])}
    objective = built("MSELoss")
    assert scored_columns(objective, columns, torch.tensor([[EAST, NORTH]])).value == 0
    assert scored_columns(objective, columns, torch.tensor([EAST])).value.item() == pytest.approx(2 / 4 / 2)


def test_a_teacher_gives_every_text_the_target_of_the_first() -> None:
    objective = built("MSELoss", teacher="wise")
    assert objective.request(("positive", "anchor")).views[-1] == View("anchor", TEACHER)
    columns, target = {"anchor": torch.randn(3, 4), "positive": torch.randn(3, 4)}, torch.randn(3, 4)
    batch = replace(batch_of(columns), frozen={View("anchor", TEACHER): target})
    labelled = batch_of({"text_1": columns["anchor"], "text_2": columns["positive"]}, target)
    assert scored(objective, batch).value == scored(built("MSELoss"), labelled).value


def test_a_projection_meets_the_teachers_width_and_learns() -> None:
    objective = built_for(replace(CONTEXT, label_width=6), "EmbedDistillLoss", projection_dim=6)
    assert isinstance(objective, EmbedDistill)
    assert objective.projection is not None
    (term,) = objective.terms(batch_of({"text": torch.randn(3, 4)}, torch.randn(3, 6))).values()
    assert all(gradient.any() for gradient in torch.autograd.grad(term, list(objective.projection.parameters())))


def test_under_matryoshka_targets_are_cut_and_each_dim_has_a_projection() -> None:
    def objective(width: int, **parameters: object) -> torch.nn.Module:
        matryoshka = parsed("MatryoshkaLoss", dims=[4, 2])
        loss = (*parsed("EmbedDistillLoss", **parameters), 1.0)
        return build_objective([loss], [matryoshka], replace(CONTEXT, label_width=width))

    shapes = [tuple(weight.shape) for weight in objective(6, projection_dim=6).parameters() if weight.ndim == 2]
    assert shapes == [(6, 4), (6, 2)]
    assert list(objective(4).parameters()) == []
    with pytest.raises(ConfigError, match="are 6 wide, the model's are 4"):
        objective(6)


@pytest.mark.parametrize(
    ("context", "parameters", "message"),
    [
        (replace(CONTEXT, label_width=6), {}, "teacher embeddings of the data are 6 wide, the model's are 4"),
        (replace(CONTEXT, label_width=6), {"projection_dim": 5}, "are 6 wide, projection_dim is 5"),
        (replace(CONTEXT, frozen_width=lambda tower: 8), {"teacher": "wise"}, "embeddings of wise are 8 wide"),
    ],
)
def test_a_width_that_does_not_fit_is_refused_with_the_way_out(
    context: BuildContext, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        built_for(context, "MSELoss", **parameters)
    assert "projection_dim: " in str(caught.value.problems[0].hint)
