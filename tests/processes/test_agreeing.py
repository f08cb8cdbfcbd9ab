"""What processes do together: each sees the others' numbers, and none waits for one that gave up."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
import torch

from embtune.train.processes import Group, OutOfMemoryElsewhere
from embtune.world import World

pytestmark = pytest.mark.distributed
SIZE = 2


def agree(rank: int, folder: Path) -> None:
    """One process's part; what it saw is in `folder/RANK`."""
    group = Group(World(rank, SIZE, rank, SIZE, f"file://{folder}/meeting"))
    seen: dict[str, object] = {}
    seen["totals"] = group.totals([rank, 1])
    seen["highest"] = group.highest([-rank, rank])
    seen["told"] = group.told({"text": "für alle", "rank": rank})
    tensors = [torch.full((3, 2), float(rank + 1)), torch.tensor(rank)]
    try:
        if rank == 1:  # in the middle of its part of a step
            raise torch.OutOfMemoryError
        group.add_up(tensors)
    except torch.OutOfMemoryError as error:
        group.out_of_memory(error)
        seen["elsewhere"] = isinstance(error, OutOfMemoryElsewhere)
    seen["untouched"] = [tensor.tolist() for tensor in tensors]
    group.add_up(tensors)
    seen["sums"] = [tensor.tolist() for tensor in tensors]
    group.close()
    (folder / str(rank)).write_text(json.dumps(seen))


def test_processes_agree_and_give_a_step_up_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=agree, args=(rank, tmp_path)) for rank in range(SIZE)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * SIZE
    for rank in range(SIZE):
        seen = json.loads((tmp_path / str(rank)).read_text())
        assert seen["totals"] == [1, 2]
        assert seen["highest"] == [0, 1]
        assert seen["told"] == {"text": "für alle", "rank": 0}
        assert seen["elsewhere"] is (rank == 0)
        assert seen["untouched"] == [[[rank + 1.0] * 2] * 3, rank]
        assert seen["sums"] == [[[3.0] * 2] * 3, 1]
