"""Cuts within the budget that cost the least: held against every way to cut, and against cutting when it is full."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embtune.train.cutting import even_cuts, packed_cuts, padded_cuts

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60).map(lambda lengths: sorted(lengths, reverse=True))
FEW = st.lists(st.integers(1, 9), min_size=1, max_size=8).map(lambda lengths: sorted(lengths, reverse=True))


def parts(lengths: list[int], starts: list[int]) -> list[list[int]]:
    return [lengths[a:b] for a, b in pairwise([*starts, len(lengths)])]


def cost(lengths: list[int], starts: list[int], launch: int) -> int:
    return sum(part[0] * len(part) + launch for part in parts(lengths, starts))


def when_full(lengths: list[int], budget: int) -> list[int]:
    """The plain way: a micro-batch takes texts until it is full."""
    starts = [0]
    while (start := starts[-1]) + max(1, budget // lengths[start]) < len(lengths):
        starts.append(start + max(1, budget // lengths[start]))
    return starts


@given(FEW, st.integers(0, 12))
def test_without_a_limit_no_way_to_cut_costs_less(lengths: list[int], launch: int) -> None:
    found = cost(lengths, padded_cuts(np.array(lengths), 10_000, launch), launch)
    places = range(1, len(lengths))
    ways = ([0, *inner] for count in range(len(lengths)) for inner in combinations(places, count))
    assert found == min(cost(lengths, way, launch) for way in ways)


@given(LENGTHS, st.integers(1, 200), st.integers(0, 64))
def test_a_micro_batch_is_within_the_budget_or_one_text(lengths: list[int], budget: int, launch: int) -> None:
    starts = padded_cuts(np.array(lengths), budget, launch)
    assert starts[0] == 0
    assert sorted(set(starts)) == starts
    assert all(len(part) == 1 or part[0] * len(part) <= budget for part in parts(lengths, starts))


@given(LENGTHS, st.integers(1, 200), st.integers(0, 64))
def test_cutting_when_full_never_costs_much_less(lengths: list[int], budget: int, launch: int) -> None:
    """It may cut inside texts of one length, which saves a part of one micro-batch at best."""
    found = cost(lengths, padded_cuts(np.array(lengths), budget, launch), launch)
    assert found <= cost(lengths, when_full(lengths, budget), launch) + max(budget, lengths[0]) + launch


@given(LENGTHS, st.integers(1, 200))
def test_packed_texts_fill_each_micro_batch(lengths: list[int], budget: int) -> None:
    made = parts(lengths, packed_cuts(np.array(lengths), budget))
    assert [length for part in made for length in part] == lengths
    assert all(len(part) == 1 or sum(part) <= budget for part in made)
    assert all(sum(part) + following[0] > budget for part, following in pairwise(made))


def test_texts_of_two_lengths_are_not_padded_to_the_longer() -> None:
    lengths = np.array([500] * 3 + [20] * 30)
    assert padded_cuts(lengths, 2048, 24) == [0, 3]
    assert padded_cuts(lengths, 1024, 24) == [0, 1, 3]  # one and two of the long ones


@pytest.mark.parametrize("lanes", [2, 3, 8])
def test_even_cuts_give_each_lane_as_many_parts_of_about_the_same_work(lanes: int) -> None:
    lengths = np.sort(np.random.default_rng(lanes).integers(5, 200, 400))[::-1]
    made = parts(lengths.tolist(), even_cuts(lengths, 2048, lanes))
    assert len(made) % lanes == 0
    assert [length for part in made for length in part] == lengths.tolist()
    assert max(sum(part) for part in made) <= 2048
    work = [sum(length * (length + 512) for length in part) for part in made]
    assert max(work) < 1.5 * min(work)


def test_fewer_texts_than_lanes_are_a_part_each() -> None:
    assert even_cuts(np.array([9, 8, 7]), 2048, 8) == [0, 1, 2]
