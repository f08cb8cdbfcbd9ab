"""What hard negatives gain, what mining them costs beside Sentence Transformers, and how much memory it takes.

    python scripts/mine.py quality [--seeds 42 1 2] [--rows N] [--only NAME ...] [--corpus FILE]
    python scripts/mine.py speed [--rows N] [--repeats 3]
    python scripts/mine.py memory [--passages 10000 30000 100000]

`quality` trains the quickstart on its pairs alone and with mined negatives, from each seed, and prints nDCG@10 on
held-back questions. `speed` runs both tools in turns, each in processes of its own, after it has held what they mine
against each other. `memory` mines corpora of rising size. What `quality` knows is kept in --out: the same command goes
on from there. Exit code 1: a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "bench"))

from mining_memory import measure_memory
from mining_quality import SETTINGS, measure_quality
from mining_speed import measure_speed


def main() -> int:
    """Measure what is asked for, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("quality", "speed", "memory"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2])
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), default=list(SETTINGS), help="settings of quality")
    parser.add_argument("--rows", type=int, help="of the pairs; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--data", type=Path, help="other pairs than the quickstart's, for speed")
    parser.add_argument(
        "--corpus", type=Path, help="where quality's negatives come from; the pairs' answers by default"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/mine"), help="folder of results and models")
    asked = parser.parse_args()
    folder = asked.out.resolve() / asked.what
    folder.mkdir(parents=True, exist_ok=True)
    if asked.what == "quality":
        return measure_quality(folder, asked.seeds, asked.only, asked.rows, asked.corpus)
    if asked.what == "speed":
        return measure_speed(folder, asked.data, asked.rows, asked.repeats)
    return measure_memory(folder, asked.passages)


if __name__ == "__main__":
    sys.exit(main())
