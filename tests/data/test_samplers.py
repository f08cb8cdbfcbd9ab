from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples
from embtune.data.samplers import PlannedBatch, SamplerKind, plan_epoch

SHUFFLED = [SamplerKind.RANDOM, SamplerKind.NO_DUPLICATES, SamplerKind.GROUP_BY_LABEL]


def dataset(text_ids: list[list[int]], labels: list[int] | None = None) -> Examples:
    """Rows with these text ids and classes."""
    ids = np.array(text_ids, dtype=np.int32)
    roles = ("anchor", "positive", "negative_1")[: ids.shape[1]]
    return Examples(
        name="demo",
        roles=roles,
        texts=[str(i) for i in range(ids.max() + 1)],
        text_ids={role: ids[:, i] for i, role in enumerate(roles)},
        labels=None if labels is None else np.array(labels, dtype=np.int64),
        label_kind=LabelKind.NONE if labels is None else LabelKind.CLASS,
    )


def rows_seen(batches: list[PlannedBatch], number: int = 0) -> Counter[int]:
    """How often each row of one dataset is planned."""
    return Counter(row for batch in batches if batch.dataset == number for row in batch.rows.tolist())


def as_lists(batches: list[PlannedBatch]) -> list[tuple[int, list[int]]]:
    """Plans that can be compared."""
    return [(batch.dataset, batch.rows.tolist()) for batch in batches]


TEXT_IDS = st.lists(st.lists(st.integers(-1, 9), min_size=3, max_size=3), min_size=1, max_size=40).filter(
    lambda rows: any(max(row) >= 0 for row in rows)
)
SETUP = st.tuples(TEXT_IDS, st.integers(1, 12), st.integers(0, 5), st.integers(0, 3))


@settings(deadline=None)
@given(SETUP, st.sampled_from(list(SamplerKind)))
def test_an_epoch_holds_every_row_once_in_batches_no_larger_than_asked(
    setup: tuple[list[list[int]], int, int, int], kind: SamplerKind
) -> None:
    ids, batch_size, seed, epoch = setup
    data = dataset(ids, [i % 3 for i in range(len(ids))])
    batches = plan_epoch([data], [kind], [batch_size], seed, epoch)
    assert rows_seen(batches) == Counter(range(len(ids)))
    assert all(0 < len(batch.rows) <= batch_size and batch.rows.dtype == np.int64 for batch in batches)
    assert as_lists(batches) == as_lists(plan_epoch([data], [kind], [batch_size], seed, epoch))


@settings(deadline=None)
@given(SETUP)
def test_no_text_stands_in_two_rows_of_a_batch(setup: tuple[list[list[int]], int, int, int]) -> None:
    ids, batch_size, seed, epoch = setup
    data = dataset(ids)
    for batch in plan_epoch([data], [SamplerKind.NO_DUPLICATES], [batch_size], seed, epoch):
        texts = [text for row in batch.rows.tolist() for text in set(ids[row]) if text >= 0]
        assert len(texts) == len(set(texts))


@pytest.mark.parametrize("kind", SHUFFLED)
def test_epochs_and_seeds_differ(kind: SamplerKind) -> None:
    data = dataset([[2 * i, 2 * i + 1] for i in range(100)], [i % 2 for i in range(100)])
    plans = [as_lists(plan_epoch([data], [kind], [8], seed, epoch)) for seed in (0, 1) for epoch in (0, 1)]
    assert all(one != other for i, one in enumerate(plans) for other in plans[:i])


@pytest.mark.parametrize("kind", [SamplerKind.RANDOM, SamplerKind.SEQUENTIAL, SamplerKind.NO_DUPLICATES])
def test_only_the_last_batch_of_distinct_rows_is_short(kind: SamplerKind) -> None:
    data = dataset([[i] for i in range(103)])
    sizes = sorted(len(batch.rows) for batch in plan_epoch([data], [kind], [10], 0, 0))
    assert sizes == [3, *[10] * 10]


def test_sequential_batches_keep_the_order_of_the_files() -> None:
    data = [dataset([[i] for i in range(5)]), dataset([[i] for i in range(3)])]
    batches = plan_epoch(data, [SamplerKind.SEQUENTIAL] * 2, [2, 2], 0, 3)
    assert as_lists(batches) == [(0, [0, 1]), (0, [2, 3]), (0, [4]), (1, [0, 1]), (1, [2])]


def test_each_dataset_has_a_batch_size_of_its_own() -> None:
    data = [dataset([[i] for i in range(6)]), dataset([[i] for i in range(6)])]
    sizes = [(batch.dataset, len(batch.rows)) for batch in plan_epoch(data, [SamplerKind.SEQUENTIAL] * 2, [2, 4], 0, 0)]
    assert sizes == [(0, 2), (0, 2), (0, 2), (1, 4), (1, 2)]


def test_batches_of_several_datasets_are_mixed() -> None:
    data = [dataset([[i] for i in range(100)]) for _ in range(2)]
    order = [batch.dataset for batch in plan_epoch(data, [SamplerKind.RANDOM] * 2, [5, 5], 0, 0)]
    assert Counter(order) == {0: 20, 1: 20}
    assert order != sorted(order)


def test_datasets_of_one_size_are_shuffled_apart() -> None:
    data = [dataset([[i] for i in range(50)]) for _ in range(2)]
    batches = plan_epoch(data, [SamplerKind.RANDOM] * 2, [50, 50], 0, 0)
    assert batches[0].rows.tolist() != batches[1].rows.tolist()


def test_a_weight_of_two_sees_every_row_in_two_passes() -> None:
    data = dataset([[i] for i in range(10)])
    batches = plan_epoch([data], [SamplerKind.RANDOM], [10], 0, 0, [2.0])
    assert [sorted(batch.rows.tolist()) for batch in batches] == [list(range(10))] * 2
    assert batches[0].rows.tolist() != batches[1].rows.tolist()


def test_a_weight_of_a_half_sees_the_other_half_in_the_next_epoch() -> None:
    data = dataset([[i] for i in range(11)])
    for first in (0, 2, 4):
        halves = [rows_seen(plan_epoch([data], [SamplerKind.RANDOM], [4], 0, first + i, [0.5])) for i in (0, 1)]
        assert halves[0] + halves[1] == Counter(range(11))


@settings(deadline=None)
@given(st.integers(1, 30), st.floats(0.05, 4), st.sampled_from(list(SamplerKind)))
def test_weights_spread_rows_evenly_over_many_epochs(size: int, weight: float, kind: SamplerKind) -> None:
    data = dataset([[i] for i in range(size)], [0] * size)
    seen: Counter[int] = Counter({row: 0 for row in range(size)})
    for epoch in range(12):
        seen.update(rows_seen(plan_epoch([data], [kind], [4], 0, epoch, [weight])))
    assert max(seen.values()) - min(seen.values()) <= 1
    assert abs(sum(seen.values()) - 12 * weight * size) <= 1


def test_grouping_by_label_needs_classes() -> None:
    with pytest.raises(ValueError, match="dataset 'demo' has none"):
        plan_epoch([dataset([[0], [1]])], [SamplerKind.GROUP_BY_LABEL], [4], 0, 0)


def test_a_plan_without_duplicates_is_fast_whatever_the_data() -> None:
    unlike = np.arange(60_000).reshape(20_000, 3).tolist()
    some_alike = np.random.default_rng(0).integers(0, 20_000, (20_000, 3)).tolist()
    all_alike = [[0, 2 * i + 1, 2 * i + 2] for i in range(20_000)]
    for ids in (unlike, some_alike, all_alike):
        data = dataset(ids)
        start = time.perf_counter()
        plan_epoch([data], [SamplerKind.NO_DUPLICATES], [512], 0, 0)
        assert time.perf_counter() - start < 1.5  # 0.05 s on a machine with nothing else to do
