from __future__ import annotations

import math

import pytest
import torch
from objectives import built, scored_columns
from torch import Tensor

from embtune.losses.cosent import log_of_inversions


def columns(rows: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return {role: torch.randn(rows, 4, generator=generator) for role in ("sentence_A", "sentence_B")}


def test_three_rows_by_hand() -> None:
    scores, labels = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.0, 0.0])
    wanted = math.log(1 + math.exp(-1.0 - 0.5) + math.exp(2.0 - 0.5))
    assert log_of_inversions(scores, labels)[0].item() == pytest.approx(wanted)


@pytest.mark.parametrize("rows", [1, 2, 17])
def test_equal_labels_cost_nothing_and_learn_nothing(rows: int) -> None:
    found = scored_columns(built("CoSENTLoss"), columns(rows), torch.full((rows,), 0.4))
    assert found.value == 0
    assert found.terms["cosent"].requires_grad
    assert not any(gradient.any() for gradient in found.gradients.values())
    assert found.finite


def test_only_the_order_of_labels_counts() -> None:
    labels = torch.tensor([0.1, 0.9, 0.5, 0.5])
    first = scored_columns(built("CoSENTLoss"), columns(4), labels)
    second = scored_columns(built("CoSENTLoss"), columns(4), labels**3 - 1)
    assert first.value == second.value


def test_labels_may_be_a_column_whole_numbers_or_truth_values() -> None:
    plain = scored_columns(built("CoSENTLoss"), columns(4), torch.tensor([0.0, 1.0, 1.0, 0.0])).value
    for labels in (torch.tensor([[0.0], [1.0], [1.0], [0.0]]), torch.tensor([0, 1, 1, 0])):
        assert scored_columns(built("CoSENTLoss"), columns(4), labels).value == plain


def test_large_scores_do_not_overflow() -> None:
    scores = torch.tensor([-500.0, 500.0], requires_grad=True)
    loss, _ = log_of_inversions(scores, torch.tensor([1.0, 0.0]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss == 1000
    assert scores.grad is not None
    assert scores.grad.tolist() == [-1, 1]
