from __future__ import annotations

from dataclasses import replace

import torch
from objectives import batch_of

from embtune.losses.objective import Batch, View


def test_embedding_is_the_last_layer() -> None:
    table = torch.randn(3, 2, 4)
    assert torch.equal(Batch({View("anchor"): table}, size=2).embedding("anchor"), table[-1])


def test_the_first_of_several_scores_is_the_one_that_counts() -> None:
    batch = batch_of({"anchor": torch.ones(2, 1)})
    batch.count("pairs", torch.tensor(3))
    batch.map(lambda table: table[..., :1]).count("pairs", torch.tensor(5))
    batch.count("hard_pairs", torch.tensor(0), needed=False)
    assert {name: (int(count.found), count.needed) for name, count in batch.counts.items()} == {
        "pairs": (3, True),
        "hard_pairs": (0, False),
    }


def test_mean_divides_by_the_rows_of_the_whole_step() -> None:
    whole = batch_of({"anchor": torch.zeros(8, 1)})
    part = replace(batch_of({"anchor": torch.zeros(2, 1)}), whole=whole)
    assert part.mean(torch.tensor([4.0, 12.0])) == 2


def test_weighted_mean_divides_by_the_weights_of_the_whole_step() -> None:
    def weights(batch: Batch) -> torch.Tensor:
        assert batch.labels is not None
        return batch.labels

    whole = batch_of({"anchor": torch.zeros(3, 1)}, torch.tensor([1.0, 3.0, 4.0]))
    part = replace(batch_of({"anchor": torch.zeros(2, 1)}, torch.tensor([1.0, 3.0])), whole=whole)
    assert part.mean(torch.tensor([2.0, 10.0]), weights) == (2 + 30) / 8


def test_weights_that_sum_to_zero_give_zero() -> None:
    batch = batch_of({"anchor": torch.zeros(2, 1)})
    assert batch.mean(torch.ones(2), lambda rows: torch.zeros(rows.size)) == 0


def test_map_changes_every_view_and_nothing_else() -> None:
    batch = batch_of({"anchor": torch.ones(2, 1), "positive": torch.ones(2, 1)}, torch.tensor([0, 1]))
    doubled = batch.map(lambda table: 2 * table)
    assert all(bool((table == 2).all()) for table in doubled.embeddings.values())
    assert doubled.labels is batch.labels
