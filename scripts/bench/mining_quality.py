"""Do mined negatives help? The quickstart on pairs alone, and with negatives mined under several settings."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from mining_task import MINILM, PAIRS, environment, mine, read_pairs, write_lines
from results import Results
from tools import ROOT
from turns import markdown

PAIRS_ALONE = "pairs alone"
# name -> options of `embtune mine`
SETTINGS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        PAIRS_ALONE: (),
        "nearest": (),
        "margin-5": ("--relative-margin", "0.05"),
        "margin-20": ("--relative-margin", "0.2"),
        "ranks-11": ("--ranks", "11:60", "--sampling", "random", "--relative-margin", "0.05"),
        "four": ("--ranks", "1:50", "--sampling", "random", "--relative-margin", "0.05", "--negatives", "4",
                 "--to", "n-tuples"),
    }
)  # fmt: skip
METRIC = "medquad_dev/ndcg@10"


def measure_quality(
    folder: Path, seeds: Sequence[int], names: Sequence[str], rows: int | None, corpus: Path | None
) -> int:
    """Train whatever is not known yet and print the table; 1 where no setting beats pairs alone in the mean."""
    folder = folder / f"{rows or 'all'}-{corpus.name.partition('.')[0] if corpus else 'answers'}"
    folder.mkdir(exist_ok=True)
    results = Results(folder / "quality.json")
    pairs = write_lines(folder / "pairs.jsonl", read_pairs(PAIRS, rows))
    wanted = list(dict.fromkeys([PAIRS_ALONE, *names]))
    for name in wanted:
        data = pairs if name == PAIRS_ALONE else _mined(name, pairs, folder, corpus)
        for seed in seeds:
            if str(seed) not in results.content.get(name, {}):
                results.put(name, str(seed), _trained(data, seed, folder))
                print(f"{name}, seed {seed}: {results.content[name][str(seed)]:.4f}", flush=True)
    scores = {name: [results.content[name][str(seed)] for seed in seeds] for name in wanted}
    print(table(scores, seeds))
    alone = statistics.mean(scores[PAIRS_ALONE])
    return int(all(statistics.mean(found) <= alone for name, found in scores.items() if name != PAIRS_ALONE))


def table(scores: Mapping[str, Sequence[float]], seeds: Sequence[int]) -> str:
    """A line for each setting: its options, its scores, their mean, and the mean's gain over pairs alone."""
    alone = statistics.mean(scores[PAIRS_ALONE])
    lines = []
    for name, found in scores.items():
        mean = statistics.mean(found)
        each = [f"{score:.4f}" for score in found]
        lines.append([name, " ".join(SETTINGS[name]) or "-", *each, f"{mean:.4f}", f"{mean - alone:+.4f}"])
    return markdown(["negatives", "options", *(f"seed {seed}" for seed in seeds), "mean", "gain"], lines)


def _mined(name: str, pairs: Path, folder: Path, corpus: Path | None) -> Path:
    """Rows with negatives; the vectors are made once for all settings."""
    out = folder / f"{pairs.stem}-{name}.jsonl"
    if not out.exists():
        source = ("--corpus", str(corpus.resolve())) if corpus else ()
        mine(pairs, out, MINILM, folder / "cache", *SETTINGS[name], *source)
    return out


def _trained(data: Path, seed: int, folder: Path) -> float:
    """nDCG@10 after the quickstart's training on these rows."""
    settings = {
        "seed": seed,
        "output_dir": folder / "runs" / f"{data.stem}-{seed}",
        "data.train": json.dumps([{"name": "medquad", "path": str(data)}]),
        "eval.steps": 1.0,
        "eval.on_start": "false",
        "checkpoint.steps": 1.0,
    }
    command = [sys.executable, "-m", "embtune", "train", "configs/quickstart.yaml", "--json", "--quiet"]
    command += [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    printed = subprocess.run(command, env=environment(), cwd=ROOT, check=True, capture_output=True, text=True)
    return float(json.loads(printed.stdout)["metrics_after"][METRIC])
