"""Distillation, end to end: MiniLM teaches its own first two layers by `embtune label` and the losses that read it.

    OMP_NUM_THREADS=2 python scripts/bench/distil.py [--rows 2000] [--epochs 2] [--seeds 1] [--out DIR]

The student is the teacher without its upper layers. Rows are the quickstart's questions and answers, with answers of
other rows as negatives; `embtune label` gives them the teacher's margins and scores, and two runs learn from these
alone. Judged by nDCG@10 on the quickstart's held-back questions. The goal is half of the gap between the student and
its teacher, by each loss.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from models import minilm
from tools import ROOT
from transformers import AutoModel

DATA = ROOT / "configs" / "data"
PAIRS, DEV = DATA / "medquad_train.jsonl.gz", DATA / "medquad_dev"
METRIC = "medquad_dev/ndcg@10"
LAYERS = 2
NEGATIVES = 4
LENGTH = 64  # tokens, as in the quickstart
LOSSES: Mapping[str, Mapping[str, object]] = {
    "margin-mse": {"name": "MarginMSELoss"},
    "distill-kl": {"name": "DistillKLDivLoss", "temperature": 0.05},
}
GOAL = 0.5  # of the gap


@dataclass(frozen=True)
class Size:
    """How much is trained."""

    rows: int
    epochs: float
    learning_rate: float


def main() -> None:
    """Make student and rows, label, train, measure; then print the table. Exit 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--out", default="runs/distil", help="folder of rows, models and runs; made anew")
    asked = parser.parse_args()
    folder = Path(asked.out).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    size = Size(asked.rows, asked.epochs, asked.learning_rate)
    write_student(folder / "student")
    write_rows(folder / "rows.jsonl", size.rows)
    before, teacher = (measured(model, folder) for model in (folder / "student", minilm()))
    print(f"{METRIC}: student {before:.4f}, teacher {teacher:.4f}", flush=True)
    missed = False
    for loss in LOSSES:
        label(folder, loss)
        for seed in asked.seeds:
            after = trained(folder, loss, seed, size)
            closed = (after - before) / (teacher - before)
            missed |= closed < GOAL
            print(f"{loss}, seed {seed}: {after:.4f}, {closed:.0%} of the gap", flush=True)
    sys.exit(int(missed))


def write_student(folder: Path) -> None:
    """The teacher's word vectors and first layers, its tokenizer and its pooling."""
    shutil.copytree(minilm(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    model = AutoModel.from_pretrained(minilm())
    model.encoder.layer = model.encoder.layer[:LAYERS]
    model.config.num_hidden_layers = LAYERS
    model.save_pretrained(folder)


def write_rows(path: Path, count: int) -> None:
    """Questions with their answers, and answers of other rows as a list of negatives."""
    with gzip.open(PAIRS, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    draw = random.Random(0)
    draw.shuffle(rows)
    with path.open("w", encoding="utf-8") as out:
        for row in rows[:count]:
            others = [other["positive"] for other in draw.sample(rows, NEGATIVES) if other is not row]
            kept = {"anchor": row["anchor"], "positive": row["positive"], "negatives": others}
            out.write(json.dumps(kept) + "\n")


def label(folder: Path, loss: str) -> None:
    """The rows with what the teacher says of them."""
    out = folder / f"{loss}.parquet"
    embtune("label", folder / "rows.jsonl", "--model", minilm(), "--for", loss, "-o", out)


def trained(folder: Path, loss: str, seed: int, size: Size) -> float:
    """The student's score after a run on the labelled rows."""
    config = {
        "output_dir": str(folder / f"{loss}-{seed}"),
        "seed": seed,
        "model": {"name_or_path": str(folder / "student"), "max_seq_length": LENGTH},
        "data": {"train": [{"name": "labelled", "path": str(folder / f"{loss}.parquet")}], **evaluated()},
        "loss": dict(LOSSES[loss]),
        "train": {"num_train_epochs": size.epochs, "batch_size": 32, "learning_rate": size.learning_rate},
        "eval": {"on_start": False, "steps": 0.5},
        "checkpoint": {"steps": 0.5, "keep": 1},
    }
    path = folder / f"{loss}-{seed}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    embtune("train", path)
    return measured(folder / f"{loss}-{seed}" / "model", folder)


def evaluated() -> Mapping[str, Sequence[Mapping[str, object]]]:
    """The part of a config that names the held-back questions."""
    return {"eval": [{"name": "medquad_dev", "path": str(DEV)}]}


def measured(model: Path, folder: Path) -> float:
    """What `embtune evaluate` says of a model."""
    model_config = {"name_or_path": str(model), "max_seq_length": LENGTH}
    config = {"output_dir": "unused", "model": model_config, "loss": "mse"}
    train = {"train": [{"path": "unused.jsonl"}]}
    (folder / "dev.yaml").write_text(yaml.safe_dump(config | {"data": {**train, **evaluated()}}), encoding="utf-8")
    printed = embtune("evaluate", model, folder / "dev.yaml", "--json")
    return float(json.loads(printed)["metrics"][METRIC])


def embtune(*arguments: str | Path) -> str:
    """What a command prints; it says nothing else."""
    command = [sys.executable, "-m", "embtune", *map(str, arguments), "--quiet"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
