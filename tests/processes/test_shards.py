"""Processes that share a model train exactly what processes train that each have all of it.

And a run that they saved goes on by any number of them, whichever way its weights were and are held.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conformance_grid import Cell, all_cells
from conformance_step import save_guide
from process_cells import REPLICATE, SHARD, beside, loaded, train_by

pytestmark = pytest.mark.distributed

SIZE = 2
SAMPLE = (
    ("MultipleNegativesRankingLoss", "MatryoshkaLoss", False),  # rows that interact, in blocks
    ("SoftmaxLoss", "none", False),  # rows by themselves, with a head
    ("ContrastiveTensionLoss", "AdaptiveLayerLoss", False),  # two towers, inner layers
    ("CoSENTLoss", "none", True),  # low-rank updates, of which most weights have no gradient
)


def sample() -> list[Cell]:
    """One cell for each of the sample."""
    cells = [cell for cell in all_cells() if cell.model == "transformer"]
    return [next(cell for cell in cells if (cell.name, cell.modifier, cell.lora) == wanted) for wanted in SAMPLE]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample trained in both ways by two processes."""
    folder = tmp_path_factory.mktemp("shards")
    train_by(SIZE, sample(), folder, save_guide(folder / "guide"), (REPLICATE, SHARD))
    return folder


@pytest.mark.parametrize("number", range(len(SAMPLE)), ids=[" in ".join(each[:2]) for each in SAMPLE])
def test_sharing_a_model_changes_no_result(number: int, trained: Path) -> None:
    found = beside(loaded(trained, SIZE, REPLICATE, number)[0], loaded(trained, SIZE, SHARD, number))
    assert found.holds, found


@pytest.fixture(scope="module")
def resumed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Path]:
    """The sample gone on with by so many processes that share the model, from what was saved in the way asked for."""
    done: dict[tuple[int, str], Path] = {}

    def resume(size: int, way: str) -> Path:
        if (size, way) not in done:
            done[size, way] = tmp_path_factory.mktemp("resumed")
            saved = trained / str(SIZE) / way / "checkpoints"
            train_by(size, sample(), done[size, way], trained / "guide", (SHARD,), saved)
        return done[size, way]

    return resume


@pytest.mark.parametrize("number", range(len(SAMPLE)), ids=[" in ".join(each[:2]) for each in SAMPLE])
@pytest.mark.parametrize(("size", "way"), [(1, SHARD), (3, SHARD), pytest.param(3, REPLICATE, marks=pytest.mark.slow)])
def test_a_run_goes_on_by_another_number_of_processes(
    size: int, way: str, number: int, trained: Path, resumed: Callable[[int, str], Path]
) -> None:
    whole = loaded(trained, SIZE, REPLICATE, number)[0]
    found = beside(whole, loaded(resumed(size, way), size, SHARD, number))
    assert found.holds, found
