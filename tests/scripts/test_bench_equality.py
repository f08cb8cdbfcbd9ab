"""The gate of `scripts/bench.py`, whole: both tools as processes of their own, on a model small enough for seconds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from equality import check
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from task import Task
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WORDS = [f"w{n}" for n in range(40)]


def save_model(folder: Path) -> None:
    torch.manual_seed(0)
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    tokenizer.pre_tokenizer = Whitespace()
    module = StaticEmbedding(tokenizer, embedding_weights=torch.randn(len(WORDS), 16))
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(str(folder), create_model_card=False)


def save_pairs(path: Path, count: int) -> None:
    lines = []
    for row in range(count):
        anchor = " ".join(WORDS[(row + step) % len(WORDS)] for step in range(3))
        positive = " ".join(WORDS[(2 * row + step) % len(WORDS)] for step in range(5))
        lines.append(json.dumps({"anchor": anchor, "positive": positive}))
    path.write_text("\n".join(lines), encoding="utf-8")


def test_both_tools_train_the_same_weights(tmp_path: Path) -> None:
    save_model(tmp_path / "model")
    save_pairs(tmp_path / "pairs.jsonl", 40)
    task = Task(str(tmp_path / "model"), str(tmp_path / "pairs.jsonl"), "unused", 8, None, 5, 1e-2)
    verdict = check(task, {**os.environ, "HF_HUB_OFFLINE": "1"}, tmp_path)
    assert verdict.equal, verdict
    assert verdict.moved > 1e-2
