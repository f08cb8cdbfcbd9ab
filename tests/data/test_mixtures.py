"""Shares of several datasets, and the order of their batches, by counting."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embtune.config.words import MixtureStrategy
from embtune.data.examples import Examples
from embtune.data.mixtures import passes
from embtune.data.samplers import PlannedBatch, SamplerKind, plan_epoch

SIZES = (6, 2, 4)
RANDOM = [SamplerKind.RANDOM] * 3
WEIGHTED = st.lists(st.tuples(st.integers(1, 10**6), st.floats(0.01, 1000)), min_size=1, max_size=6)


def numbered(size: int) -> Examples:
    """Rows of one text each."""
    return Examples("demo", ("text",), [str(i) for i in range(size)], {"text": np.arange(size, dtype=np.int32)})


def plan(
    strategy: MixtureStrategy, kinds: list[SamplerKind] = RANDOM, seed: int = 0, epoch: int = 0
) -> list[PlannedBatch]:
    """An epoch of three datasets, a row a batch."""
    return plan_epoch([numbered(size) for size in SIZES], kinds, [1] * 3, seed, epoch, strategy=strategy)


def datasets_of(batches: list[PlannedBatch]) -> str:
    return "".join("abc"[batch.dataset] for batch in batches)


def as_lists(batches: list[PlannedBatch]) -> list[tuple[int, list[int]]]:
    return [(batch.dataset, batch.rows.tolist()) for batch in batches]


@given(WEIGHTED)
def test_at_a_temperature_of_one_weights_are_passes(sets: list[tuple[int, float]]) -> None:
    sizes, weights = [size for size, _ in sets], [weight for _, weight in sets]
    assert passes(sizes, weights, 1.0) == weights


@given(WEIGHTED, st.floats(0.1, 1000))
def test_temperature_moves_rows_between_sets_and_keeps_their_number(
    sets: list[tuple[int, float]], temperature: float
) -> None:
    sizes, weights = [size for size, _ in sets], [weight for _, weight in sets]
    rows = [each * size for each, size in zip(passes(sizes, weights, temperature), sizes, strict=True)]
    assert sum(rows) == pytest.approx(sum(size * weight for size, weight in sets))


@pytest.mark.parametrize(
    ("temperature", "rows"),
    [
        (1.0, [900.0, 100.0]),
        (2.0, [750.0, 250.0]),  # sqrt(900) : sqrt(100) = 3 : 1
        (1000.0, [500.5, 499.5]),
        (0.5, [988.0, 12.0]),  # 900^2 : 100^2 = 81 : 1
    ],
)
def test_shares_by_hand(temperature: float, rows: list[float]) -> None:
    found = [each * size for each, size in zip(passes([900, 100], [1, 1], temperature), [900, 100], strict=True)]
    assert found == pytest.approx(rows, abs=0.7)


def test_weights_multiply_what_temperature_gives() -> None:
    first, second = passes([900, 100], [1, 3], 2.0)
    assert first * 900 == pytest.approx(second * 100)  # 30 * 1 : 10 * 3


def test_round_robin_takes_turns_and_passes_over_those_that_have_no_more() -> None:
    assert datasets_of(plan(MixtureStrategy.ROUND_ROBIN)) == "abcabcacacaa"


def test_concatenate_takes_set_after_set() -> None:
    assert datasets_of(plan(MixtureStrategy.CONCATENATE)) == "aaaaaabbcccc"


def test_proportional_shuffles_all_batches_together() -> None:
    orders = {datasets_of(plan(MixtureStrategy.PROPORTIONAL, epoch=epoch)) for epoch in range(5)}
    assert len(orders) == 5
    assert all(Counter(order) == Counter("aaaaaabbcccc") for order in orders)


@pytest.mark.parametrize("strategy", list(MixtureStrategy))
def test_every_strategy_holds_every_row_once_in_an_order_of_seed_and_epoch(strategy: MixtureStrategy) -> None:
    plans = [as_lists(plan(strategy, seed=seed, epoch=epoch)) for seed in (0, 1) for epoch in (0, 1)]
    expected = sorted((number, [row]) for number, size in enumerate(SIZES) for row in range(size))
    assert all(sorted(each) == expected for each in plans)
    assert all(one != other for i, one in enumerate(plans) for other in plans[:i])
    assert as_lists(plan(strategy)) == plans[0]


@pytest.mark.parametrize("strategy", [MixtureStrategy.ROUND_ROBIN, MixtureStrategy.CONCATENATE])
def test_a_sequential_set_keeps_its_order_beside_shuffled_ones(strategy: MixtureStrategy) -> None:
    kinds = [SamplerKind.SEQUENTIAL, SamplerKind.RANDOM, SamplerKind.RANDOM]
    batches = plan(strategy, kinds)
    assert [batch.rows.tolist() for batch in batches if batch.dataset == 0] == [[i] for i in range(6)]


def test_short_batches_do_not_gather_at_the_end_of_a_set() -> None:
    """A text that stands in every third row needs more batches than rows fill; the short ones are cut last."""
    ids = np.array([[0 if i % 3 == 0 else 200 + i, 100 + i] for i in range(60)], dtype=np.int32)
    texts = [str(i) for i in range(int(ids.max()) + 1)]
    data = Examples("demo", ("anchor", "positive"), texts, {"anchor": ids[:, 0], "positive": ids[:, 1]})
    kinds = [SamplerKind.NO_DUPLICATES] * 2
    batches = plan_epoch([data, data], kinds, [4, 4], 0, 0, strategy=MixtureStrategy.CONCATENATE)
    sizes = [len(batch.rows) for batch in batches if batch.dataset == 0]
    assert sizes != sorted(sizes, reverse=True)
