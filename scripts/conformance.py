"""Print the conformance grid with its count; exit 1 if a cell does not conform.

Usage: .venv/bin/python scripts/conformance.py [LOSS ...] [--forms]

Every cell is a run prepared from a config and a data file, one step of it with graphs kept, recomputed, and cut
small; the cells and what must hold of them are the tests' own (`tests/conformance`). `--forms` prints a line for each
layout of rows, not one a loss.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from conformance_grid import Cell, all_cells, write_config
from conformance_step import faults, prepare_cell, save_guide

from embtune.config import load_config
from embtune.errors import ConfigError, EmbtuneError

REFUSED = "refused"
OK, FAILED = "ok", "FAIL"


def main() -> int:
    """Run the cells, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("losses", nargs="*", help="names of losses, or 'NAME + NAME' for a list; all by default")
    parser.add_argument("--forms", action="store_true", help="one line for each layout of rows")
    arguments = parser.parse_args()
    started = time.perf_counter()
    cells = [cell for cell in all_cells() if not arguments.losses or cell.name in arguments.losses]
    verdicts = run_cells(cells)
    print_table(verdicts, arguments.forms)
    counts = Counter(_word(cell, found) for cell, found in verdicts)
    print(
        f"{len(cells)} cells: {counts[OK]} conform, each kept and recomputed ({2 * counts[OK]} steps compared); "
        f"{counts[REFUSED]} refused when the config is read, as a static model has no layers; {counts[FAILED]} fail; "
        f"{time.perf_counter() - started:.0f} s"
    )
    return 1 if counts[FAILED] else 0


def run_cells(cells: Iterable[Cell]) -> list[tuple[Cell, list[str]]]:
    """Each cell with its faults, told on stderr as they are found."""
    verdicts = []
    with TemporaryDirectory() as root:
        guide = save_guide(Path(root) / "guide")
        for number, cell in enumerate(cells):
            folder = Path(root) / str(number)
            folder.mkdir()
            found = _refusal_faults(cell, folder) if cell.refused else _faults(cell, folder, guide)
            verdicts.append((cell, found))
            for fault in found:
                print(f"{cell}: {fault}", file=sys.stderr, flush=True)
    return verdicts


def _faults(cell: Cell, folder: Path, guide: Path) -> list[str]:
    try:
        return faults(cell, prepare_cell(cell, folder, guide))
    except EmbtuneError as error:
        return [f"refused: {error}"]


def _refusal_faults(cell: Cell, folder: Path) -> list[str]:
    try:
        load_config(write_config(cell, folder, folder))
    except ConfigError:
        return []
    return ["is not refused"]


def print_table(verdicts: list[tuple[Cell, list[str]]], by_form: bool) -> None:
    """A line a loss (or a layout of its rows), a column for each modifier, model and kind of weights."""
    columns = list(dict.fromkeys(_column(cell) for cell, _ in verdicts))
    lines: dict[str, dict[str, list[str]]] = {}
    for cell, found in verdicts:
        line = lines.setdefault(cell.rows if by_form else cell.name, {})
        line.setdefault(_column(cell), []).append(_word(cell, found))
    print("  ".join(columns) + "  loss")
    for name, line in lines.items():
        print("  ".join(f"{_summary(line[column]):<{len(column)}}" for column in columns) + f"  {name}")


def _column(cell: Cell) -> str:
    modifier = cell.modifier.removesuffix("Loss")
    return f"{modifier}/{cell.model}/{'lora' if cell.lora else 'full'}"


def _word(cell: Cell, found: list[str]) -> str:
    return FAILED if found else REFUSED if cell.refused else OK


def _summary(words: list[str]) -> str:
    """`ok 3`: what all cells came to, and how many they are; the failures where there are some."""
    failed = words.count(FAILED)
    return f"{FAILED} {failed}/{len(words)}" if failed else f"{words[0]} {len(words)}"


if __name__ == "__main__":
    sys.exit(main())
