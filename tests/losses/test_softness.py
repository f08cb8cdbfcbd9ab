"""How decided softmaxes are, as losses report it, against what they cost."""

from __future__ import annotations

import math

import pytest
import torch
from objectives import batch_of, built
from torch import Tensor

from embtune.losses.objective import Batch
from embtune.losses.softness import relative_costs

ROWS = 6


def columns(*roles: str) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {role: torch.randn(ROWS, 4, generator=generator) for role in roles}


def reported(loss: str, batch: Batch, **parameters: object) -> tuple[float, float, float]:
    """Cost and least cost as a loss reports them, and its value."""
    (term,) = built(loss, **parameters).terms(batch).values()
    return *relative(batch), float(term)


def relative(batch: Batch) -> tuple[float, float]:
    """The one report there is, in units of guessing."""
    (found,) = batch.softness.values()
    assert not any(part.requires_grad for part in (found.cost, found.candidates, found.spread))
    return relative_costs(float(found.cost), float(found.candidates), float(found.spread))


def pairs() -> Batch:
    return batch_of(columns("anchor", "positive"))


def scored_pairs() -> Batch:
    return batch_of(columns("sentence_A", "sentence_B"), torch.arange(float(ROWS)))


@pytest.mark.parametrize("scale", [0.05, 1.0, 20.0])
def test_the_cost_is_in_units_of_guessing(scale: float) -> None:
    cost, least, value = reported("MultipleNegativesRankingLoss", pairs(), scale=scale)
    assert cost == pytest.approx(value / math.log(ROWS))
    # every positive at cosine 1, all else at -1: what no embeddings can do better than
    best = torch.full((ROWS, ROWS), -1.0).fill_diagonal_(1.0) * scale
    floor = float(torch.nn.functional.cross_entropy(best, torch.arange(ROWS)))
    assert least == pytest.approx(floor / math.log(ROWS), rel=1e-4)
    assert least < cost


@pytest.mark.parametrize("loss", ["CoSENTLoss", "AnglELoss"])
def test_losses_that_order_compare_all_rows_of_unequal_labels(loss: str) -> None:
    cost, least, value = reported(loss, scored_pairs())
    assert cost == pytest.approx(value / math.log(1 + ROWS * (ROWS - 1) / 2), rel=1e-5)
    assert 0 < least < 1e-6


def test_products_have_no_bounds() -> None:
    assert reported("MultipleNegativesRankingLoss", pairs(), scale=1e-3, similarity_fct="dot")[1] == 0


def test_a_trained_scale_is_reported_as_it_is() -> None:
    vectors = columns("text")["text"]
    objective = built("ContrastiveTensionLossInBatchNegatives", scale=0.01)
    views = objective.request(("text",)).views
    batch = Batch({view: vectors[None] for view in views}, size=ROWS)
    objective.terms(batch)
    assert relative(batch)[1] == pytest.approx(math.log(1 + 5 * math.exp(-0.02)) / math.log(ROWS), rel=1e-4)


def test_one_candidate_is_nothing_to_decide() -> None:
    assert relative_costs(0.0, 1.0, 2.0) == (1, 0)
    equal = batch_of(columns("sentence_A", "sentence_B"), torch.ones(ROWS))
    assert reported("CoSENTLoss", equal)[:2] == (1, 0)


def test_cut_to_several_widths_the_widest_is_reported() -> None:
    whole = pairs()
    reported("MultipleNegativesRankingLoss", whole)
    nested = pairs()
    objective = built("MultipleNegativesRankingLoss")
    objective.nested_terms(nested, {4: 0.5, 2: 1.0})  # type: ignore[operator]
    (wanted,), (found,) = whole.softness.values(), nested.softness.values()
    assert float(found.cost) == pytest.approx(float(wanted.cost), rel=1e-5)
