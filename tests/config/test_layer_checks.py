"""Modifiers that train inner layers, refused where the config alone shows that there are none left."""

from __future__ import annotations

import pytest
from config_text import BASE, excerpt, load, only_problem, problems_of

STATIC = BASE.replace("name_or_path: m", "name_or_path: 'scratch:static?width=64'")
BOTH = "[{name: Matryoshka2dLoss, dims: [8]}, adaptive-layer]"


@pytest.mark.parametrize("modifier", ["AdaptiveLayerLoss", "{name: matryoshka2d, dims: [8]}", "{name: adaptive-layer}"])
def test_a_static_model_has_no_layers(modifier: str) -> None:
    problem = only_problem(f"{STATIC}modifiers: [{{name: MatryoshkaLoss, dims: [8]}}, {modifier}]\n")
    assert problem.code == "no-layers"
    assert problem.message == "modifiers.1: a static model has no layers that could be trained or left out"
    assert excerpt(problem)[:12] == modifier[:12]


def test_layers_are_trained_by_one_modifier() -> None:
    problem = only_problem(f"{BASE}modifiers: {BOTH}\n")
    assert problem.message == "modifiers.1: another modifier trains the inner layers already"
    assert [problem.message[:12] for problem in problems_of(f"{STATIC}modifiers: {BOTH}\n")] == [
        "modifiers.0:",
        "modifiers.1:",
    ]


@pytest.mark.parametrize("name", ["scratch:transformer?layers=2", "scratch:", "scratch:statics", "m"])
def test_other_models_are_asked_when_they_are_loaded(name: str) -> None:
    text = BASE.replace("name_or_path: m", f"name_or_path: '{name}'")
    assert load(f"{text}modifiers: [AdaptiveLayerLoss]\n").config.modifiers


def test_a_modifier_that_does_not_exist_is_one_mistake() -> None:
    assert only_problem(f"{STATIC}modifiers: [Adaptive]\n").code == "unknown-loss"
