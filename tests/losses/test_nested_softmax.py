"""All widths in one pass, beside width after width over whole matrices in float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest
import torch
from largest_tensor import LargestTensor
from objectives import batch_of, built, parsed, scored
from torch import Tensor
from torch.nn import functional as F

from embtune.losses.nested_softmax import NestedWidths, nested_cross_entropy_sums
from embtune.losses.objective import Batch, BuildContext, Objective
from embtune.losses.row_softmax import Comparison, Softmax, leave_out_own
from embtune.modifiers.build import build_objective

SCALE, ROWS = 3.0, 7
WEIGHTS = {8: 1.0, 2: 0.5, 5: 2.0}  # in no order
ALONE: list[Softmax] = [[Comparison(0, 1)]]
BOTH_WAYS: list[Softmax] = [[Comparison(0, 1)], [Comparison(1, 0)]]
WITH_QUERIES: list[Softmax] = [[Comparison(0, 1), Comparison(0, 0, (leave_out_own,))]]


def tables(rows: int = ROWS) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return [torch.randn(rows, 9, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2)]


def at_width(softmaxes: list[Softmax], given: list[Tensor], width: int) -> Tensor:
    units = [F.normalize(table[:, :width], dim=1) for table in given]
    total = given[0].new_zeros(())
    for softmax in softmaxes:
        parts = []
        for comparison in softmax:
            logits = SCALE * units[comparison.left] @ units[comparison.right].T
            parts.append(logits - torch.diag(torch.full((len(logits),), 1e9 if comparison.adjust else 0.0)))
        total = total + F.cross_entropy(torch.cat(parts, dim=1), torch.arange(len(units[0])), reduction="sum")
    return total


@pytest.mark.parametrize("row_block", [1, 3, 100])
@pytest.mark.parametrize("softmaxes", [ALONE, BOTH_WAYS, WITH_QUERIES], ids=["alone", "both ways", "with queries"])
def test_values_and_gradient_are_those_of_width_after_width(softmaxes: list[Softmax], row_block: int) -> None:
    given = tables()
    found = nested_cross_entropy_sums(softmaxes, given, WEIGHTS, SCALE, row_block)
    wanted = torch.stack([weight * at_width(softmaxes, given, width) for width, weight in WEIGHTS.items()])
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(3 * found.sum(), given), torch.autograd.grad(3 * wanted.sum(), given)
    )


def test_a_vector_whose_cut_is_zero_has_cosine_zero_and_no_gradient_from_it() -> None:
    given = [table.detach().clone() for table in tables()]
    given[0][2, :2] = 0
    for table in given:
        table.requires_grad_()
    found = nested_cross_entropy_sums(ALONE, given, {2: 1.0}, SCALE, 3)
    torch.testing.assert_close(found[0], at_width(ALONE, given, 2))
    gradients = torch.autograd.grad(found.sum(), given)
    assert not gradients[0][2].any()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_without_gradient_the_values_are_the_same() -> None:
    given = tables()
    with torch.no_grad():
        alone = nested_cross_entropy_sums(ALONE, given, WEIGHTS, SCALE, 3)
    torch.testing.assert_close(alone, nested_cross_entropy_sums(ALONE, given, WEIGHTS, SCALE, 3).detach())


def test_one_width_alone_cannot_be_differentiated() -> None:
    found = nested_cross_entropy_sums(ALONE, tables(), WEIGHTS, SCALE, 3)
    with pytest.raises(AssertionError, match="together"):
        found[0].backward()  # type: ignore[no-untyped-call]


def test_memory_is_a_block_and_not_a_matrix() -> None:
    rows, row_block = 2048, 16
    with LargestTensor() as largest:
        nested_cross_entropy_sums(WITH_QUERIES, tables(rows), WEIGHTS, SCALE, row_block).sum().backward()  # type: ignore[no-untyped-call]
    assert largest.elements <= row_block * rows


def matryoshka(loss: str, **parameters: object) -> Objective:
    modifier = parsed("MatryoshkaLoss", dims=list(WEIGHTS), weights=list(WEIGHTS.values()))
    return build_objective([(*parsed(loss, **parameters), 1.0)], [modifier], BuildContext(embedding_dim=9, depth=0))


def cut_to(width: int, table: Tensor) -> Tensor:
    return F.normalize(table[..., :width], dim=-1)


def one_by_one(loss: str, batch: Batch, parameters: Mapping[str, object]) -> Tensor:
    total = torch.zeros(())
    for width, weight in WEIGHTS.items():
        cut = batch.map(partial(cut_to, width))
        total = total + weight * torch.stack(list(built(loss, **parameters).terms(cut).values())).sum()
    return total


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"hardness_mode": "all_negatives", "hardness_strength": 5.0},
        {"directions": ["query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"]},
        {"directions": ["query_to_doc", "doc_to_query"], "partition_mode": "per_direction"},
        {"similarity_fct": "euclidean"},
    ],
    ids=["plain", "hardened", "all directions", "per direction", "distances, which do not nest"],
)
def test_a_ranking_under_matryoshka_is_the_sum_over_dims(parameters: dict[str, object]) -> None:
    generator = torch.Generator().manual_seed(0)
    columns = {role: torch.randn(ROWS, 9, generator=generator) for role in ("anchor", "positive", "negative")}
    batch = replace(batch_of(columns, row_block=4), present={"negative": torch.arange(ROWS) % 3 > 0})
    name = "MultipleNegativesRankingLoss"
    found = scored(matryoshka(name, **parameters), batch)
    leaves = {view: table.clone().requires_grad_() for view, table in batch.embeddings.items()}
    wanted = one_by_one(name, replace(batch, embeddings=leaves), parameters)
    gradients = torch.autograd.grad(wanted, list(leaves.values()))
    torch.testing.assert_close(found.value, wanted.detach())
    for one, other in zip(found.gradients.values(), gradients, strict=True):
        torch.testing.assert_close(one, other[-1], rtol=1e-4, atol=1e-6)


def test_only_losses_of_products_nest() -> None:
    batch = batch_of({role: torch.randn(3, 9) for role in ("anchor", "positive")})
    for similarity, nests in (("cosine", True), ("dot", True), ("euclidean", False)):
        loss = built("MultipleNegativesRankingLoss", similarity_fct=similarity)
        assert isinstance(loss, NestedWidths)
        assert loss.nests(batch) is nests
    assert not isinstance(built("TripletLoss"), NestedWidths)
