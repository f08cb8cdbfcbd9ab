"""Work for several processes: all of it is dealt, once, and about evenly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from embtune.train.buckets import buckets_of, flattened, spread
from embtune.train.dealing import dealt
from embtune.world import ALONE, World


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000])
def test_each_thing_is_one_processes_and_the_costs_are_about_even(size: int, count: int) -> None:
    costs = np.random.default_rng(0).integers(2, 200, count)
    parts = [dealt(costs, World(rank, size)) for rank in range(size)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    sums = [int(costs[part].sum()) for part in parts]
    assert max(sums) - min(sums) <= costs.max(initial=0)
    assert len(parts[0]) > 0 or count == 0


def test_one_process_has_all_the_dearest_first_and_equal_ones_in_their_order() -> None:
    assert dealt(np.array([3, 9, 3, 5]), ALONE).tolist() == [1, 3, 0, 2]


def test_tensors_go_through_flat_buckets_and_come_back() -> None:
    tensors = [torch.randn(3, 5), torch.randn(7), torch.arange(4), torch.randn(2, 6).T, torch.randn(1)]
    before = [tensor.clone() for tensor in tensors]
    buckets = list(buckets_of(tensors, limit=100))
    assert [[tuple(each.shape) for each in bucket] for bucket in buckets] == [[(3, 5), (7,)], [(6, 2), (1,)], [(4,)]]
    for bucket in buckets:
        flat = flattened(bucket)
        assert flat.dim() == 1
        flat *= 2
        spread(flat, bucket)
    assert all(torch.equal(tensor, 2 * old) for tensor, old in zip(tensors, before, strict=True))
