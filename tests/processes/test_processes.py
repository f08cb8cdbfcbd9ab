"""Several processes train exactly what one trains, whatever the loss.

The default run takes some losses of each kind, trained by one process and by two; `-m slow` takes three, and
`scripts/processes.py` prints all losses.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conformance_grid import Cell
from conformance_step import save_guide
from process_cells import cells_shown, compared, train_by

pytestmark = pytest.mark.distributed

SAMPLE = (
    ("MultipleNegativesRankingLoss", "MatryoshkaLoss"),  # row blocks, in one pass for all widths
    ("GISTEmbedLoss", "none"),
    ("BatchHardSoftMarginTripletLoss", "none"),  # mined, with counts
    ("ContrastiveTensionLossInBatchNegatives", "none"),  # a twin, and a scale that is trained
    ("CoSENTLoss", "MatryoshkaLoss"),  # scored by each process in full
    ("SoftmaxLoss", "MatryoshkaLoss"),  # rows by themselves, a head for each width
    ("DenoisingAutoEncoderLoss", "none"),  # a decoder
    ("GlobalOrthogonalRegularizationLoss + DenoisingAutoEncoderLoss", "none"),  # and one whose batch all have
)


def sample() -> list[Cell]:
    """One cell for each of the sample."""
    shown = list(cells_shown())
    return [next(cell for cell in shown if (cell.name, cell.modifier) == wanted) for wanted in SAMPLE]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The sample trained by one process and by so many; once each."""
    folder = tmp_path_factory.mktemp("processes")
    guide = save_guide(folder / "guide")
    done: set[int] = set()

    def train(size: int) -> Path:
        for each in {1, size} - done:
            train_by(each, sample(), folder, guide)
            done.add(each)
        return folder

    return train


@pytest.mark.parametrize("number", range(len(SAMPLE)), ids=[" in ".join(each) for each in SAMPLE])
@pytest.mark.parametrize("size", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_terms_and_weights_are_those_of_one_process(size: int, number: int, trained: Callable[[int], Path]) -> None:
    found = compared(number, size, trained(size))
    assert found.holds, found
