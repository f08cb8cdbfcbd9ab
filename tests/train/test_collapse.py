"""The mean cosine of two texts, by sums, against a table of all pairs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from embtune.train.collapse import Directions, directions_of


def by_pairs(table_TD: Tensor) -> float:
    """Every pair of different texts, one after another."""
    cosines = [
        float(torch.cosine_similarity(left_D, right_D, dim=0))
        for i, left_D in enumerate(table_TD)
        for j, right_D in enumerate(table_TD)
        if i != j
    ]
    return sum(cosines) / len(cosines)


def mean_cosine(found: Directions) -> float:
    return found.mean_cosine(float(found.squared))


def drawn(texts: int, common: float) -> Tensor:
    """Random vectors of uneven length around a common direction."""
    generator = torch.Generator().manual_seed(texts)
    table_TD = torch.randn(texts, 8, generator=generator) + common
    return table_TD * torch.rand(texts, 1, generator=generator).add(0.1)


@pytest.mark.parametrize(("texts", "common"), [(2, 0.0), (7, 0.0), (40, 3.0), (40, 1e4)])
def test_sums_give_the_mean_over_all_pairs(texts: int, common: float) -> None:
    table_TD = drawn(texts, common)
    assert mean_cosine(directions_of(table_TD)) == pytest.approx(by_pairs(table_TD), abs=1e-5)


def test_parts_add_up_to_the_whole() -> None:
    table_TD = drawn(30, 1.0)
    parts = directions_of(table_TD[:11]) + directions_of(table_TD[11:])
    assert mean_cosine(parts) == pytest.approx(by_pairs(table_TD), abs=1e-5)


def test_of_a_large_table_a_part_is_looked_at() -> None:
    generator = torch.Generator().manual_seed(1)
    table_TD = torch.randn(5000, 8, generator=generator) + 0.3
    found = directions_of(table_TD)
    assert 256 <= found.texts < 512
    assert mean_cosine(found) == pytest.approx(mean_cosine(directions_of(table_TD[::7])), abs=0.03)


def test_one_text_and_vectors_without_a_direction_are_not_alike() -> None:
    assert mean_cosine(directions_of(torch.ones(1, 8))) == pytest.approx(0, abs=1e-6)
    assert mean_cosine(directions_of(torch.zeros(5, 8))) <= 0
    assert mean_cosine(Directions(torch.zeros(8), 0)) == 0
