"""Print how far several processes train from what one process trains, for every loss; exit 1 if one is too far.

Usage: .venv/bin/python scripts/processes.py [LOSS ...] [--forms] [--parallel shard]

Five steps of each loss, alone and in Matryoshka, by 1, 2 and 3 processes of gloo on this machine: float32, no dropout,
everything cut small, and a last batch that leaves one of three processes without a row. Shown are the largest
differences from one process of any term (in units of its size, where that is over 1), of the gradient's norm (in units
of it) and of any weight. `--forms` trains each loss on every layout of its rows; `--parallel shard` has the processes
share the model, with losses that allow it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "processes"))

from conformance_grid import Cell
from conformance_step import save_guide
from process_cells import REPLICATE, SHARD, TOLERANCE, Compared, can_shard, cells_shown, compared, train_by

SIZES = (2, 3)


def main() -> int:
    """Train, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("losses", nargs="*", help="names of losses, or 'NAME + NAME' for a list; all by default")
    parser.add_argument("--forms", action="store_true", help="one line for each layout of rows")
    parser.add_argument("--parallel", choices=(REPLICATE, SHARD), default=REPLICATE, help="as train.parallel")
    arguments = parser.parse_args()
    way: str = arguments.parallel
    shown = [cell for cell in cells_shown(every_form=arguments.forms) if way == REPLICATE or can_shard(cell)]
    cells = [cell for cell in shown if not arguments.losses or cell.name in arguments.losses]
    started = time.perf_counter()
    with TemporaryDirectory() as root:
        guide = save_guide(Path(root) / "guide")
        for size in (1, *SIZES):
            print(f"{len(cells)} cells by {size} of {max(SIZES)} processes", file=sys.stderr, flush=True)
            train_by(size, cells, Path(root), guide, [REPLICATE if size == 1 else way])
        found = [[compared(number, size, Path(root), way) for size in SIZES] for number in range(len(cells))]
    print_table(cells, found)
    failed = sum(not each.holds for by_size in found for each in by_size)
    print(
        f"{len(cells)} cells by {', '.join(map(str, SIZES))} processes: {len(SIZES) * len(cells) - failed} within "
        f"{TOLERANCE:g} of one process and equal among themselves, {failed} not; {time.perf_counter() - started:.0f} s"
    )
    return 1 if failed else 0


def print_table(cells: list[Cell], found: list[list[Compared]]) -> None:
    """A line for each cell: how far terms, norms and weights are, and whether the processes are equal."""
    titles = [f"{f'terms, {size}':>9} {f'norms, {size}':>9} {f'weights, {size}':>11} equal" for size in SIZES]
    width = max(len(_name(cell)) for cell in cells)
    print(f"{'':{width}}  {'  '.join(titles)}")
    for cell, by_size in zip(cells, found, strict=True):
        columns = [_columns(each) for each in by_size]
        print(f"{_name(cell):{width}}  {'  '.join(columns)}{'' if all(e.holds for e in by_size) else '  FAIL'}")


def _columns(found: Compared) -> str:
    return f"{found.terms:9.1e} {found.norms:9.1e} {found.weights:11.1e} {'yes' if found.equal else 'NO':>5}"


def _name(cell: Cell) -> str:
    return cell.rows + ("" if cell.modifier == "none" else f" | {cell.modifier}")


if __name__ == "__main__":
    sys.exit(main())
