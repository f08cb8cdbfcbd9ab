"""Stop runs in every way and at random, continue each by the same command, and print whether anything was lost.

Usage: .venv/bin/python scripts/kills.py [--case full LoRA ...] [--nproc 1 2] [--stop SIGTERM ...] [--repeats 2]
       [--seed 0] [--forked] [--json FILE]
       .venv/bin/python scripts/kills.py --numbers [--case ...] [--forked]

For each kind of run and number of processes one run is left alone. Another is stopped at as many random places as there
are stops asked for: real processes of the command, real signals, a file system that is really full. Whatever is left
has to be whole after each stop, and in the end everything has to be equal, bit for bit: the trained model, the last
checkpoint with the optimiser's state, the best weights, and the steps, evaluations and warnings of the log. Processes
that train together compare their weights bit for bit themselves and warn, and a warning is a difference.

`--numbers` prints instead how far runs that two processes saved, and one or three continued, end from those that one
process did, without dropout. Exit code 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "kills"), *(str(HERE.parent / "tests" / each) for each in (".", "pipeline", "processes"))]

from kill_cases import CASES  # noqa: E402
from kill_command import Started  # noqa: E402
from kill_fork import Forked, import_all  # noqa: E402
from kill_numbers import SAVED_BY, continued  # noqa: E402
from kill_sequence import Disturbed, Stopped, disturbed  # noqa: E402
from kill_stops import STOPS, Stop  # noqa: E402


def main() -> int:
    """Stop, continue, compare, print, return the exit code."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))  # what is mounted is taken off again
    if asked.numbers:
        return numbers(asked)
    stops = [stop for stop in STOPS if asked.stop is None or stop.name in asked.stop] * asked.repeats
    started, found = time.perf_counter(), []
    if asked.forked:
        import_all()
    with TemporaryDirectory() as place:
        environ = os.environ | {"EMBTUNE_CACHE": f"{place}/cache", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        for case in CASES:
            for nproc in asked.nproc if asked.case is None or case.name in asked.case else ():
                random = Random(f"{asked.seed} {case.name} {nproc}")
                start = partial(Forked if asked.forked else Started, nproc=nproc, environ=environ)
                print(f"{case.name}, {_processes(nproc)}", flush=True)
                folder = Path(place) / f"{case.name} {nproc}"
                found.append(disturbed(case, nproc, stops, random, folder, start, print_stop))
                print_wrong(found[-1].wrong)
    print_table(found, stops)
    count = sum(len(run.stops) for run in found)
    held = sum(run.holds for run in found)
    seconds = time.perf_counter() - started
    ends = f"{held} as undisturbed, {len(found) - held} not"
    print(f"{count} stops of {len(found)} runs, seed {asked.seed}: {ends}; {seconds:.0f} s")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(run) for run in found], indent=1), encoding="utf-8")
    return 0 if held == len(found) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", nargs="*", choices=[case.name for case in CASES], help="all by default")
    parser.add_argument("--nproc", nargs="*", type=int, default=[1, 2], help="processes that train")
    parser.add_argument("--stop", nargs="*", choices=[stop.name for stop in STOPS], help="all by default")
    parser.add_argument("--repeats", type=int, default=1, help="times each stop, for each run")
    parser.add_argument("--seed", type=int, default=0, help="of when and whom")
    parser.add_argument("--numbers", action="store_true", help="continue by another number of processes")
    parser.add_argument("--forked", action="store_true", help="copy a process instead of starting one: much faster")
    parser.add_argument("--json", type=Path, help="file to write everything to")
    return parser.parse_args()


def numbers(asked: argparse.Namespace) -> int:
    """Save by two processes, continue by others, print, return the exit code."""
    if asked.forked:
        import_all()
    failed = 0
    print(f"{'':14} saved by  after step  continued by  numbers  weights")
    with TemporaryDirectory() as place:
        environ = os.environ | {"EMBTUNE_CACHE": f"{place}/cache", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        start = partial(Forked if asked.forked else Started, environ=environ)
        for case in CASES:
            for each in (
                continued(case, Path(place) / case.name, start) if asked.case is None or case.name in asked.case else ()
            ):
                failed += not each.holds
                differences = f"{each.numbers:7.1e}  {each.weights:7.1e}  {'' if each.holds else 'FAIL'}"
                print(f"{each.case:14} {SAVED_BY:8}  {each.saved:10}  {each.nproc:12}  {differences}", flush=True)
                print_wrong(each.wrong)
    return 1 if failed else 0


def print_stop(stop: Stopped) -> None:
    """A line, and what is wrong."""
    half = ", half written" if stop.half_written else ""
    print(f"  {stop.stop:24} {stop.whom:18} exit {stop.code!s:>4}  step {stop.step:3}, saved {stop.saved:3}{half}")
    print_wrong(stop.wrong)


def print_wrong(wrong: Sequence[str]) -> None:
    """A line for each."""
    for each in wrong:
        print(f"    WRONG: {each}")
    sys.stdout.flush()


def print_table(found: Sequence[Disturbed], stops: Sequence[Stop]) -> None:
    """A line for each stop, a column for each run: how often it was stopped so, and whether all is well."""
    columns = [f"{run.case}, {run.nproc}" for run in found]
    print(f"\n{'':24}  {'  '.join(columns)}")
    for name in dict.fromkeys(stop.name for stop in stops):
        cells = [_cell([stop.wrong for stop in run.stops if stop.stop == name]) for run in found]
        print(f"{name:24}  " + "  ".join(f"{cell:>{len(column)}}" for cell, column in zip(cells, columns, strict=True)))
    ends = ["FAIL" if run.wrong else "equal" for run in found]
    print(
        f"{'in the end':24}  " + "  ".join(f"{end:>{len(column)}}" for end, column in zip(ends, columns, strict=True))
    )


def _cell(wrong: Sequence[Sequence[str]]) -> str:
    failed = sum(bool(each) for each in wrong)
    return f"{failed} FAIL" if failed else str(len(wrong))


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


if __name__ == "__main__":
    sys.exit(main())
