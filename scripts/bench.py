"""embtune beside Sentence Transformers 6.2, end to end, in turns: one command, a table and a JSON file.

    python scripts/bench.py [--only medquad-64 static-2048] [--repeats 3] [--scale 4] [--precision bf16] [--out DIR]
    python scripts/bench.py --full          # the workloads A to E, for a GPU
    python scripts/bench.py --list

First both train MiniLM and a static model alike, and their weights must agree to 1e-4. Then, for each workload, the
fastest settings of Sentence Transformers are looked for on a prefix, and both tools do the whole of it in turns, each
in a process of its own, on the same rows in the same batches. What is timed is what a user waits for: from the start of
the process to the saved model. Everything is written to DIR as it is known; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "bench"))

from comparison import Asked, Bench  # noqa: E402
from growth import chosen_rows  # noqa: E402
from workloads import CPU, GPU, Workload  # noqa: E402

DATA = HERE.parents[1] / "shared" / "data"


def main() -> int:
    """Read the command line and do it; 1 where the tools do not train alike."""
    parsed = _parser().parse_args()
    workloads = chosen(parsed.only, parsed.full, parsed.scale)
    if parsed.list:
        for workload in workloads:
            print(f"{workload.name}: {workload.count} pairs, {workload.steps} steps")
        return 0
    asked = Asked(
        Path(parsed.out),
        Path(parsed.data),
        parsed.repeats,
        parsed.precision,
        parsed.threads,
        gate=not parsed.no_gate,
        sweep=not parsed.no_sweep,
        growth=chosen_rows(parsed.full) if parsed.growth else (),
    )
    return 0 if Bench(asked).run(workloads) else 1


def chosen(names: list[str] | None, full: bool, scale: float) -> list[Workload]:
    """The workloads asked for, at their sizes.

    Raises:
        SystemExit: there is none of such a name.
    """
    listed = GPU if full else CPU
    unknown = set(names or ()) - {one.name for one in listed}
    if unknown:
        raise SystemExit(f"no workload named {', '.join(sorted(unknown))}; --list shows all")
    return [one.scaled(scale) for one in listed if names is None or one.name in names]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", default="runs/bench", help="folder of results, models and rows")
    parser.add_argument("--data", default=str(DATA), help="folder of the data sets")
    parser.add_argument("--only", nargs="*", help="names of workloads; all by default")
    parser.add_argument("--full", action="store_true", help="the workloads for a GPU")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each tool, in turns")
    parser.add_argument("--scale", type=float, default=1.0, help="times the rows of each workload")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--threads", type=int, help="OMP_NUM_THREADS of both")
    parser.add_argument("--growth", action="store_true", help="time a row by the rows of a step, too")
    parser.add_argument("--no-gate", action="store_true", help="do not compare weights first")
    parser.add_argument("--no-sweep", action="store_true", help="take the default settings of Sentence Transformers")
    parser.add_argument("--list", action="store_true", help="print the workloads and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
