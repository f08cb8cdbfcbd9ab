from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embtune.data.label_batches import cut_by_label


def cut(labels: list[int], batch_size: int, seed: int = 0) -> list[Counter[int]]:
    """The classes of each batch, of all rows in random order."""
    array = np.array(labels, dtype=np.int64)
    rows = np.random.default_rng(seed).permutation(len(labels))
    batches = cut_by_label(rows, array, batch_size)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(labels)))
    assert max(len(batch) for batch in batches) <= batch_size
    return [Counter(array[batch].tolist()) for batch in batches]


SIZES = st.lists(st.integers(1, 30) | st.integers(1, 200), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(st.integers(8, 40), min_size=4, max_size=12), st.integers(8, 20), st.integers(0, 3))
def test_no_row_of_many_fair_sized_classes_is_alone_of_its_kind(sizes: list[int], batch_size: int, seed: int) -> None:
    labels = [number for number, size in enumerate(sizes) for _ in range(size)]
    for classes in cut(labels, batch_size, seed):
        assert min(classes.values()) >= 2


@settings(deadline=None)
@example([3, 3, 3], 8, 0)  # a triple each, in two batches: one of the three would be alone
@example([1, 5, 5], 9, 0)
@given(SIZES, st.integers(8, 20), st.integers(0, 3))
def test_every_batch_has_two_classes_where_the_smaller_ones_suffice(
    sizes: list[int], batch_size: int, seed: int
) -> None:
    labels = [number for number, size in enumerate(sizes) for _ in range(size)]
    batches = cut(labels, batch_size, seed)
    packets_of_others = sum(max(1, size // 2) for size in sorted(sizes)[:-1])
    if packets_of_others >= len(batches):
        assert all(len(classes) >= 2 for classes in batches)


@pytest.mark.parametrize("batch_size", [4, 5, 6, 7])
@pytest.mark.parametrize("size", [3, 12, 13])
def test_small_batches_of_balanced_classes_have_a_pair_and_another_class(batch_size: int, size: int) -> None:
    batches = [classes for seed in range(5) for classes in cut([i % 9 for i in range(9 * size)], batch_size, seed)]
    useful = [classes for classes in batches if len(classes) >= 2 and max(classes.values()) >= 2]
    assert len(useful) >= 0.95 * len(batches)  # now and then the last packets are all of one class


@settings(deadline=None)
@given(SIZES, st.integers(4, 20))
def test_batches_are_about_as_few_as_rows_need(sizes: list[int], batch_size: int) -> None:
    labels = [number for number, size in enumerate(sizes) for _ in range(size)]
    count = len(cut(labels, batch_size))
    assert -(-len(labels) // batch_size) <= count <= -(-len(labels) // (batch_size - 2))


def test_many_balanced_classes_fill_their_batches() -> None:
    batches = cut([i % 50 for i in range(6400)], 64)
    assert [classes.total() for classes in batches] == [64] * 100


def test_rows_of_a_dominant_class_are_kept_when_the_others_are_used_up() -> None:
    batches = cut([0] * 90 + [1] * 2, 10)
    assert sum(classes[0] for classes in batches) == 90
    assert sum(len(classes) == 2 for classes in batches) == 1


def test_too_small_batches_are_only_cut() -> None:
    assert [classes.total() for classes in cut([0, 1, 0, 1, 0], 3)] == [3, 2]


def test_which_rows_of_a_class_meet_changes_with_the_order() -> None:
    labels = np.array([i % 4 for i in range(64)], dtype=np.int64)
    plans = [
        {frozenset(batch.tolist()) for batch in cut_by_label(np.random.default_rng(seed).permutation(64), labels, 16)}
        for seed in (0, 1)
    ]
    assert plans[0].isdisjoint(plans[1])
