"""Mining beside Sentence Transformers: the same triplets, and in what time."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mining_task import PAIRS, environment, forget, mine, read_pairs, write_lines
from models import minilm
from process import run
from tools import HERE
from turns import Spread, in_turns, markdown

from embtune.data.distinct_texts import identity

_NEGATIVES, _LAST_RANK = 5, 50
_ALIKE = 0.999  # of the triplets: scores that are equal up to rounding may come in another order
_TIMES = 2.0


def measure_speed(folder: Path, data: Path | None, rows: int | None, repeats: int) -> int:
    """Hold what both tools mine against each other, then time them in turns; 1 where either is not as it should be."""
    pairs = write_lines(folder / "pairs.jsonl", one_spelling(read_pairs(data or PAIRS, rows)))

    def ours() -> float:
        forget(folder / "cache")  # vectors are made anew, as in a first run
        options = ["--negatives", str(_NEGATIVES), "--ranks", f"1:{_LAST_RANK}"]
        return mine(pairs, folder / "ours.jsonl", str(minilm()), folder / "cache", *options).seconds

    def theirs() -> float:
        script = [sys.executable, str(HERE / "mine_theirs.py"), str(pairs), str(folder / "theirs.jsonl")]
        command = [*script, str(minilm()), str(_NEGATIVES), str(_LAST_RANK)]
        return run(command, environment(), folder / "theirs.log", cwd=folder).checked().seconds

    tools = {"embtune": ours, "sentence-transformers": theirs}
    seconds = in_turns(tools, 1)
    alike = shared(folder / "ours.jsonl", folder / "theirs.jsonl")
    print(f"{alike:.2%} of the triplets are mined by both tools (goal: {_ALIKE:.1%}).", flush=True)
    if alike < _ALIKE:
        return 1
    for name, more in in_turns(tools, repeats - 1).items():
        seconds[name] += more
    times = Spread.of(seconds["sentence-transformers"]).median / Spread.of(seconds["embtune"]).median
    print(markdown(["tool", "seconds"], [[name, Spread.of(found)] for name, found in seconds.items()]))
    print(f"embtune mines {times:.2f} times as fast (goal: {_TIMES:g}).")
    return int(times < _TIMES)


def one_spelling(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The rows, with texts that differ in case or white space only spelled alike.

    Else Sentence Transformers takes them for different ones, and the answer to one for a negative of the other.
    """
    spelled: dict[int, str] = {}
    return [{role: spelled.setdefault(identity(text), text) for role, text in row.items()} for row in rows]


def shared(left: Path, right: Path) -> float:
    """The share of triplets in both files, of those in the longer one."""
    ours, theirs = _triplets(left), _triplets(right)
    return (ours & theirs).total() / max(ours.total(), theirs.total())


def _triplets(path: Path) -> Counter[tuple[str, str, str]]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return Counter((row["anchor"], row["positive"], row["negative"]) for row in rows)
