from __future__ import annotations

import math
from dataclasses import replace

import loss_reference
import pytest
import torch
from largest_tensor import LargestTensor
from objectives import batch_of, built, scored, scored_columns
from torch import Tensor

from embtune.losses.objective import View

NAME = "MultipleNegativesRankingLoss"
ALL_DIRECTIONS = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
HARDNESS = {"hardness_mode": "all_negatives", "hardness_strength": 5.0}


def random_columns(rows: int, *roles: str, width: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return {role: torch.randn(rows, width, generator=generator, dtype=torch.float64) for role in roles}


def test_two_rows_by_hand() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    columns = {"anchor": torch.tensor([east, north]), "positive": torch.tensor([east, north])}
    found = scored_columns(built(NAME, scale=2.0), columns)
    assert found.value.item() == pytest.approx(math.log(1 + math.exp(-2)))
    assert list(found.terms) == ["multiple_negatives_ranking"]


def test_temperature_is_the_inverse_of_scale() -> None:
    columns = random_columns(5, "anchor", "positive")
    by_scale, by_temperature = built(NAME, scale=20.0), built(NAME, temperature=0.05)
    assert scored_columns(by_scale, columns).value == scored_columns(by_temperature, columns).value


@pytest.mark.parametrize("directions", [("query_to_doc",), ALL_DIRECTIONS])
@pytest.mark.parametrize("hardness", [{}, HARDNESS], ids=["plain", "hardened"])
def test_an_absent_negative_is_nobodys_candidate(directions: tuple[str, ...], hardness: dict[str, object]) -> None:
    columns = random_columns(4, "anchor", "positive", "negative_1", "negative_2")
    present = {"negative_1": [True, True, False, True], "negative_2": [False, True, False, False]}
    batch = batch_of(columns, row_block=3)
    batch = replace(batch, present={role: torch.tensor(there) for role, there in present.items()})
    found = scored(built(NAME, directions=directions, **hardness), batch)

    leaves = {role: column.clone().requires_grad_() for role, column in columns.items()}
    lists = {role: list(leaf) for role, leaf in leaves.items()}
    wanted = loss_reference.multiple_negatives_ranking(lists, directions=directions, present=present, **hardness)  # type: ignore[arg-type]
    gradients = torch.autograd.grad(wanted, list(leaves.values()))
    torch.testing.assert_close(found.value, wanted.detach())
    torch.testing.assert_close(list(found.gradients.values()), list(gradients))
    assert not found.gradients["negative_2"][[0, 2, 3]].any()


def test_one_row_without_negatives_costs_nothing_and_learns_nothing() -> None:
    found = scored_columns(built(NAME), random_columns(1, "anchor", "positive"))
    assert found.value == 0
    assert not any(gradient.any() for gradient in found.gradients.values())


def test_one_row_in_all_directions_costs_log_two() -> None:
    found = scored_columns(built(NAME, directions=ALL_DIRECTIONS), random_columns(1, "anchor", "positive"))
    assert found.value.item() == pytest.approx(math.log(2))
    assert found.finite


def test_equal_texts_in_every_row_cost_the_log_of_the_batch() -> None:
    column = torch.ones(8, 4)
    found = scored_columns(built(NAME), {"anchor": column, "positive": column})
    assert found.value.item() == pytest.approx(math.log(8))
    assert found.finite


def test_numbered_negatives_are_taken_in_order_of_their_numbers() -> None:
    columns = random_columns(2, "anchor", "positive", *(f"negative_{k}" for k in (10, 9, 2)))
    views = built(NAME).request(tuple(columns)).views
    assert [view.role for view in views] == ["anchor", "positive", "negative_2", "negative_9", "negative_10"]


def test_other_copies_and_towers_are_not_taken_for_negatives() -> None:
    columns = random_columns(3, "anchor", "positive", "negative")
    batch = batch_of(columns)
    stray = {View("negative", copy=1): torch.ones(1, 3, 4), View("negative", tower="guide"): torch.ones(1, 3, 9)}
    beside = replace(batch, embeddings={**batch.embeddings, **stray})
    assert built(NAME).terms(beside) == built(NAME).terms(batch)


def test_wrong_roles_are_named() -> None:
    with pytest.raises(ValueError, match=r"\(sentence_A, sentence_B\) do not fit; needed: \(anchor, positive\)"):
        built(NAME).request(("sentence_A", "sentence_B"))


@pytest.mark.parametrize("parameters", [{}, {"directions": ALL_DIRECTIONS, **HARDNESS}], ids=["plain", "everything"])
def test_memory_is_linear_in_the_batch(parameters: dict[str, object]) -> None:
    rows, row_block, width = 4096, 64, 8
    columns = {role: torch.randn(rows, width) for role in ("anchor", "positive")}
    with LargestTensor() as largest:
        scored_columns(built(NAME, **parameters), columns, row_block=row_block)
    assert largest.elements <= 4 * row_block * rows  # four directions side by side, never rows * rows
