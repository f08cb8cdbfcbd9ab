from __future__ import annotations

import pytest
import torch
from torch import Tensor

from embtune.losses.row_blocks import sum_over_row_blocks


def sum_of_squared_products(block: slice, tables: tuple[Tensor, ...]) -> Tensor:
    left, right = tables
    return (left[block] @ right.T).square().sum()


@pytest.mark.parametrize("row_block", [1, 2, 5, 100])
def test_sum_and_gradient_equal_those_of_one_block(row_block: int) -> None:
    left = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    right = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    whole = sum_of_squared_products(slice(0, 5), (left, right))
    blocks = sum_over_row_blocks(sum_of_squared_products, (left, right), rows=5, row_block=row_block)
    torch.testing.assert_close(blocks, whole)
    wanted = torch.autograd.grad(3 * whole, (left, right))
    torch.testing.assert_close(torch.autograd.grad(3 * blocks, (left, right)), wanted)


def test_each_row_is_seen_once_and_in_order() -> None:
    seen: list[tuple[int, int]] = []

    def remember(block: slice, tables: tuple[Tensor, ...]) -> Tensor:
        seen.append((block.start, block.stop))
        return tables[0][block].sum()

    total = sum_over_row_blocks(remember, (torch.arange(5.0),), rows=5, row_block=2)
    assert seen == [(0, 2), (2, 4), (4, 5)]
    assert total == 10


def test_a_tensor_that_needs_no_gradient_gets_none() -> None:
    left, right = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2)
    total = sum_over_row_blocks(sum_of_squared_products, (left, right), rows=2, row_block=1)
    total.backward()  # type: ignore[no-untyped-call]
    assert left.grad is not None
    assert right.grad is None


def test_value_without_gradient_is_the_same() -> None:
    tables = (torch.ones(3, 2), torch.ones(3, 2))
    with torch.no_grad():
        total = sum_over_row_blocks(sum_of_squared_products, tables, rows=3, row_block=2)
    assert total == 3 * 3 * 4
    assert not total.requires_grad


def test_no_rows_sum_to_zero() -> None:
    tables = (torch.ones(0, 2, requires_grad=True), torch.ones(3, 2))
    total = sum_over_row_blocks(sum_of_squared_products, tables, rows=0, row_block=2)
    total.backward()  # type: ignore[no-untyped-call]
    assert total == 0


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    left, right = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2)
    total = sum_over_row_blocks(sum_of_squared_products, (left, right), rows=2, row_block=1)
    (gradient,) = torch.autograd.grad(total.square(), left, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()  # type: ignore[no-untyped-call]
