"""How long `embtune check-format` takes for very many rows, and how much memory: wall and CPU seconds, and the peak.

    python scripts/bench/check_format.py                 # 1,000,000 made pairs as JSON Lines
    python scripts/bench/check_format.py --rows 4000000  # the peak grows by 40 bytes a row, and no more

The goal is under 60 seconds on two cores and under 500 MB. CPU seconds are those of an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from process import run

ROWS = 1_000_000
_HALVES = (("ri", "tra", "bre", "win", "vio", "che", "gla", "ti"), ("ver", "in", "ad", "ter", "lin", "ss", "des", "ps"))
_WORDS = [first + second for first in _HALVES[0] for second in _HALVES[1]]


def main() -> None:
    """Make the rows, judge them in a process of its own, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(pair) + "\n" for pair in pairs(rows))
        sys.stdout.write(f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB\n")
        sys.stdout.write(f"{measured(path)}\n")


def pairs(rows: int) -> Iterator[dict[str, object]]:
    """Questions of 5 to 12 words and answers of 10 to 60, one in a hundred with a question that was there before."""
    generator = random.Random(0)
    for row in range(rows):
        question = f"{' '.join(generator.choices(_WORDS, k=generator.randint(5, 12)))} {row - row % 100 // 99}?"
        yield {"query": question, "answer": " ".join(generator.choices(_WORDS, k=generator.randint(10, 60))), "id": row}


def measured(path: Path) -> str:
    """The command's first two lines, its exit code, seconds and peak."""
    log = path.with_suffix(".log")
    ran = run([sys.executable, "-m", "embtune", "check-format", str(path)], os.environ, log, path.parent)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    head = "\n".join(log.read_text(encoding="utf-8").splitlines()[:2])
    cpu = usage.ru_utime + usage.ru_stime
    return f"{head}\nexit {ran.code}, {ran.seconds:.1f} s, {cpu:.1f} s of CPU time, peak {ran.peak_bytes / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
