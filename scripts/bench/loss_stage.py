"""The loss stage alone, embtune beside Sentence Transformers 6.2: equality, then time in turns, then memory by rows.

    python scripts/bench/loss_stage.py [--case gist mnrl] [--rows N] [--repeats 3] [--memory] [--growth] [--cpu]

Vectors are given, so no model runs. First both must agree in value and gradient. Of Sentence Transformers the best
mini_batch_size is found first and taken; what the default of 32 takes is told beside it. `--memory` and `--growth` are
of embtune alone: bytes at the peak, and microseconds a row, by the number of rows. `--cpu` counts CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "losses")]

import torch  # noqa: E402
from loss_cases import CASES, LossCase, apart, inputs_of, ours, theirs  # noqa: E402
from machine import describe  # noqa: E402
from memory import forget_peak, peak  # noqa: E402
from turns import Spread, in_turns, markdown, seconds  # noqa: E402

Clock = Callable[[], float]

DEFAULT_SIZE = 32  # what their mini_batch_size is unless its user sets it
SIZES = (DEFAULT_SIZE, 128, 256, 512, 1024, 2048)
MEMORY_ROWS, GROWTH_ROWS = (4096, 8192, 16384, 32768), (1024, 2048, 4096, 8192, 16384)
TOLERANCE = 1e-4
MOST_SECONDS = 60.0  # what would take longer is swept on a share of the rows, and timed once
SHARE = 8


def main() -> int:
    """Compare the cases asked for, print a table, return 1 if two results differ."""
    asked = _asked()
    if asked.peak or asked.seconds:
        print(_alone(asked))
        return 0
    cases = [_case(name) for name in asked.case] if asked.case else list(CASES)
    cases = [case.sized(asked.rows) if asked.rows else case for case in cases]
    clock = time.process_time if asked.cpu else time.perf_counter
    found = [_compared(case, asked.repeats, clock) for case in cases]
    report = {"machine": describe(), "threads": torch.get_num_threads(), "cases": found}
    if asked.memory:
        report["memory"] = [_memory(name, MEMORY_ROWS) for name in ("mnrl", "gist")]
    if asked.growth:
        report["growth"] = growth(_case("mnrl"), GROWTH_ROWS)
    print(json.dumps({key: value for key, value in report.items() if key != "cases"}, indent=1))
    if asked.json:
        Path(asked.json).write_text(json.dumps(report, indent=1), encoding="utf-8")
    return int(any(float(str(line["apart"])) > TOLERANCE for line in found))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", nargs="*", choices=[case.name for case in CASES], help="all by default")
    parser.add_argument("--rows", type=int, help="rows of every case, instead of each one's own")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="peak memory by rows")
    parser.add_argument("--growth", action="store_true", help="time a row by rows")
    parser.add_argument("--cpu", action="store_true", help="CPU seconds, where the machine does other things too")
    parser.add_argument("--json", help="file to write everything to")
    parser.add_argument("--width", type=int, default=384, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", choices=[case.name for case in CASES], help=argparse.SUPPRESS)
    parser.add_argument("--peak", choices=[case.name for case in CASES], help=argparse.SUPPRESS)
    return parser.parse_args()


def _case(name: str) -> LossCase:
    (case,) = (case for case in CASES if case.name == name)
    return case


def _compared(case: LossCase, repeats: int, clock: Clock) -> dict[str, object]:
    """One case: equality on a small batch, their best size, then both in turns. Printed when it is done."""
    small = case.sized(min(case.rows, 256))
    given = inputs_of(small, seed=1)
    difference = apart(ours(small, given, row_block=100)(), theirs(small, given, DEFAULT_SIZE)())
    swept = case.sized(case.rows // SHARE) if _takes_long(case, clock) else case
    sizes = their_sizes(swept, clock)
    best = min(sizes, key=lambda size: sizes[size])
    given = inputs_of(case)
    stages = {"embtune": ours(case, given), "theirs": theirs(case, given, best)}
    stages["embtune"]()  # both have run before
    tools = {name: partial(seconds, stage, clock) for name, stage in stages.items()}
    times = in_turns(tools, 1 if swept is not case else repeats)
    spread = {name: Spread.of(values) for name, values in times.items()}
    line: dict[str, object] = {
        "case": case.name,
        "rows": case.rows,
        "apart": f"{difference:.1e}",
        "embtune s": str(spread["embtune"]),
        "theirs s": str(spread["theirs"]),
        "their mini_batch_size": best if case.cached else "none",
        "times": round(spread["theirs"].median / spread["embtune"].median, 2),
        "times at 32": _default_times(sizes, spread["embtune"].median) if swept is case else "-",
    }
    print(markdown(list(line), [list(line.values())]), flush=True)
    return {**line, "seconds": times, "sweep": sizes}


def _default_times(sizes: dict[int, float], own: float) -> object:
    return round(sizes[DEFAULT_SIZE] / own, 1) if DEFAULT_SIZE in sizes else "-"


def _takes_long(case: LossCase, clock: Clock) -> bool:
    """Whether their loss stage would take more than `MOST_SECONDS`, by a share of the rows: it is quadratic in them."""
    share = case.sized(case.rows // SHARE)
    return seconds(theirs(share, inputs_of(share), DEFAULT_SIZE), clock) * SHARE**2 > MOST_SECONDS


def their_sizes(case: LossCase, clock: Clock) -> dict[int, float]:
    """Seconds of one loss stage of theirs by mini_batch_size; 0 alone where there is none to choose."""
    given = inputs_of(case)
    sizes = [size for size in SIZES if size <= case.rows] if case.cached else [0]
    return {size: seconds(theirs(case, given, size), clock) for size in sizes}


def _alone(asked: argparse.Namespace) -> float:
    """One number of one case, for a fresh process: bytes at the peak, or seconds."""
    case = replace(_case(asked.peak or asked.seconds), rows=asked.rows, width=asked.width)
    if asked.peak:
        return peak_growth(case)
    stage = ours(case, inputs_of(case))
    return min(seconds(stage) for _ in range(2))


def peak_growth(case: LossCase) -> int:
    """Bytes that this process grows by at the peak of embtune's loss stage; for a fresh process."""
    stage = ours(case, inputs_of(case))
    before = forget_peak()
    stage()
    return peak() - before


def _memory(name: str, rows: Sequence[int]) -> dict[str, object]:
    found = {}
    for count in rows:
        command = [sys.executable, __file__, "--peak", name, "--rows", str(count)]
        found[count] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(markdown(["rows", f"{name}: MB at the peak"], [[n, f"{b / 1e6:.0f}"] for n, b in found.items()]), flush=True)
    return {"case": name, "bytes": found}


def growth(case: LossCase, rows: Sequence[int]) -> dict[int, float]:
    """Microseconds a row by the number of rows."""
    found = {}
    for count in rows:
        sized = case.sized(count)
        stage = ours(sized, inputs_of(sized))
        found[count] = min(seconds(stage) for _ in range(2)) / count * 1e6
    print(markdown(["rows", "us a row"], [[n, f"{t:.1f}"] for n, t in found.items()]), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
