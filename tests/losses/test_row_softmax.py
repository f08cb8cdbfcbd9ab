"""Softmax in blocks of rows beside torch's own cross entropy over whole matrices, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from largest_tensor import LargestTensor
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.choices import Similarity
from embtune.losses.matrix_precision import TF32_ROWS, fast_products, half_operands
from embtune.losses.row_softmax import Comparison, Softmax, cross_entropy_sum, leave_out, leave_out_own
from embtune.losses.similarity import similarity_matrix

ROWS, SCALE = 5, 3.0
ALONE: list[Softmax] = [[Comparison(0, 1)]]
BOTH_WAYS: list[Softmax] = [[Comparison(0, 1)], [Comparison(1, 0)]]
WITH_QUERIES: list[Softmax] = [[Comparison(0, 1), Comparison(0, 0, (leave_out_own,))]]


def tables(rows: int = ROWS, width: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return [torch.randn(rows, width, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2)]


def whole(softmaxes: Sequence[Softmax], given: list[Tensor], similarity: Similarity) -> Tensor:
    rows = len(given[0])
    total = given[0].new_zeros(())
    for softmax in softmaxes:
        parts = []
        for comparison in softmax:
            logits = SCALE * similarity_matrix(similarity, given[comparison.left], given[comparison.right])
            own = torch.eye(rows, dtype=torch.bool) & bool(comparison.adjust)
            parts.append(logits.masked_fill(own, -torch.inf))
        total = total + F.cross_entropy(torch.cat(parts, dim=1), torch.arange(rows), reduction="sum")
    return total


@pytest.mark.parametrize("row_block", [1, 2, 3, 100])
@pytest.mark.parametrize("similarity", list(Similarity))
@pytest.mark.parametrize("softmaxes", [ALONE, BOTH_WAYS, WITH_QUERIES], ids=["alone", "both ways", "with queries"])
def test_value_and_gradient_are_those_of_whole_matrices(
    softmaxes: list[Softmax], similarity: Similarity, row_block: int
) -> None:
    given = tables()
    found, wanted = (
        cross_entropy_sum(softmaxes, given, similarity, SCALE, row_block),
        whole(softmaxes, given, similarity),
    )
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(torch.autograd.grad(7 * found, given), torch.autograd.grad(7 * wanted, given))


def test_what_is_left_out_is_a_candidate_of_nobody_and_gets_no_gradient() -> None:
    given, extra = tables(), torch.randn(ROWS, 4, dtype=torch.float64, requires_grad=True)
    absent = torch.tensor([True, False, True, False, False])
    softmax = [Comparison(0, 1), Comparison(0, 2, (lambda block, tile: leave_out(absent, block, tile),))]
    found = cross_entropy_sum([softmax], [*given, extra], Similarity.DOT, SCALE, 2)
    logits = SCALE * torch.cat([given[0] @ given[1].T, given[0] @ extra[~absent].T], dim=1)
    wanted = F.cross_entropy(logits, torch.arange(ROWS), reduction="sum")
    torch.testing.assert_close(found, wanted)
    gradients = torch.autograd.grad(found, [*given, extra])
    torch.testing.assert_close(gradients, torch.autograd.grad(wanted, [*given, extra]))
    assert not gradients[2][absent].any()


def grow(block: slice, tile: Tensor) -> None:
    tile.mul_(1.5)


def test_a_factor_counts_as_a_constant() -> None:
    given = tables()
    found = cross_entropy_sum([[Comparison(0, 1, (grow,))]], given, Similarity.DOT, 1, 2)
    logits = given[0] @ given[1].T
    wanted = F.cross_entropy(logits + 0.5 * logits.detach(), torch.arange(ROWS), reduction="sum")
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(torch.autograd.grad(found, given), torch.autograd.grad(wanted, given))


def test_a_table_that_needs_no_gradient_gets_none_and_the_other_its_own() -> None:
    left, right = tables()
    found = cross_entropy_sum(ALONE, [left, right.detach()], Similarity.DOT, SCALE, 2)
    (gradient,) = torch.autograd.grad(found, [left])
    (wanted,) = torch.autograd.grad(whole(ALONE, [left, right], Similarity.DOT), [left])
    torch.testing.assert_close(gradient, wanted)
    with torch.no_grad():
        assert cross_entropy_sum(ALONE, [left, right], Similarity.DOT, SCALE, 2) == found


def test_large_logits_stay_finite_in_float32() -> None:
    given = [table.detach().float().requires_grad_() for table in tables()]
    found = cross_entropy_sum(BOTH_WAYS, given, Similarity.DOT, 1e6, 2)
    assert found.isfinite()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(found, given))


@pytest.mark.parametrize("softmaxes", [ALONE, WITH_QUERIES], ids=["alone", "with queries"])
def test_memory_is_a_block_and_not_a_matrix(softmaxes: list[Softmax]) -> None:
    given = tables(rows=2048, width=2)
    with LargestTensor() as largest:
        cross_entropy_sum(softmaxes, given, Similarity.DOT, SCALE, 16).backward()  # type: ignore[no-untyped-call]
    assert largest.elements <= 16 * 2048


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    given = tables()
    total = cross_entropy_sum(ALONE, given, Similarity.DOT, SCALE, 2)
    (gradient,) = torch.autograd.grad(total.square(), given[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()  # type: ignore[no-untyped-call]


def test_a_cpu_multiplies_in_float32_and_no_setting_changes() -> None:
    table, before = torch.zeros(TF32_ROWS + 1, 1), torch.backends.cuda.matmul.allow_tf32
    assert not half_operands(table)
    with fast_products(table):
        assert torch.backends.cuda.matmul.allow_tf32 == before


@pytest.mark.gpu
@pytest.mark.parametrize(("rows", "tolerance"), [(4096, 2e-3), (TF32_ROWS + 1024, 1e-2)], ids=["TF32", "bf16 operands"])
def test_gradients_on_a_gpu_are_as_near_as_the_precision_says(rows: int, tolerance: float) -> None:
    vectors = [F.normalize(table.detach(), dim=1).cuda() for table in tables(rows, width=64)]
    exact, fast = ([v.to(dtype).requires_grad_() for v in vectors] for dtype in (torch.float64, torch.float32))
    before = torch.backends.cuda.matmul.allow_tf32
    totals = [cross_entropy_sum(BOTH_WAYS, given, Similarity.COSINE, 50.0, 1024) for given in (exact, fast)]
    assert torch.backends.cuda.matmul.allow_tf32 == before
    wanted, found = (torch.autograd.grad(t, given) for t, given in zip(totals, (exact, fast), strict=True))
    for one, other in zip(found, wanted, strict=True):
        assert float((one - other).norm() / other.norm()) < tolerance
