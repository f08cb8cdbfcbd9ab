"""Nothing lost: the quickstart trained by both tools over several seeds, judged by nDCG@10 on held-back questions.

    python scripts/bench/quality.py [--seeds 1 2 3] [--out DIR]

A seed decides the order of the rows, the same in both tools, and each tool's own dropout. Both start from MiniLM and
take the quickstart's settings; embtune measures both. What is known is kept: the same command goes on from there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from models import model_folder
from results import Results
from summary import OURS, THEIRS
from task import Settings, Task
from tools import ROOT, run_ours, run_theirs
from workloads import ModelKind

QUICKSTART = ROOT / "configs" / "quickstart.yaml"
PAIRS = ROOT / "configs" / "data" / "medquad_train.jsonl.gz"
METRIC = "medquad_dev/ndcg@10"


def main() -> None:
    """Train and measure what is not known yet, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", default="runs/quality", help="folder of results and models")
    asked = parser.parse_args()
    folder = Path(asked.out).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(folder / "quality.json")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    environment.pop("TOKENIZERS_PARALLELISM", None)
    for seed in asked.seeds:
        for tool in (OURS, THEIRS):
            if str(seed) not in results.content.get(tool, {}):
                results.put(tool, str(seed), trained_score(tool, seed, environment, folder))
                print(f"seed {seed}, {tool}: {results.content[tool][str(seed)]:.4f}", flush=True)
    for tool in (OURS, THEIRS):
        scores = [results.content[tool][str(seed)] for seed in asked.seeds]
        print(f"{tool}: mean {statistics.mean(scores):.4f}, from {min(scores):.4f} to {max(scores):.4f}")


def trained_score(tool: str, seed: int, environment: Mapping[str, str], folder: Path) -> float:
    """nDCG@10 after the quickstart's training by one tool."""
    task = quickstart(seed, folder)
    if tool == OURS:
        run_ours(task, environment, folder)
        return measured(Path(task.output) / "model", environment)
    run_theirs(task, Settings(), environment, folder)
    return measured(Path(task.output), environment)


def quickstart(seed: int, folder: Path) -> Task:
    """The quickstart as both tools are told it, its rows in the seed's order."""
    with gzip.open(PAIRS, "rt", encoding="utf-8") as file:
        rows = file.readlines()
    random.Random(seed).shuffle(rows)
    pairs = folder / f"pairs-{seed}.jsonl"
    pairs.write_text("".join(rows), encoding="utf-8")
    model = model_folder(ModelKind.MINILM, folder)
    steps = -(-len(rows) // 64)
    return Task(str(model), str(pairs), str(folder / "output"), 64, 64, steps, 1e-4, schedule="cosine", seed=seed)


def measured(model: Path, environment: Mapping[str, str]) -> float:
    """What `embtune evaluate` says of a saved model on the quickstart's questions."""
    command = [sys.executable, "-m", "embtune", "evaluate", str(model), str(QUICKSTART), "--json", "--quiet"]
    printed = subprocess.run(command, env=dict(environment), cwd=ROOT, check=True, capture_output=True, text=True)
    return float(json.loads(printed.stdout)["metrics"][METRIC])


if __name__ == "__main__":
    main()
