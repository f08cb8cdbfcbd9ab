"""The card of a run: what it says of data, losses and base model, taken from the run itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_run import write_config, write_pairs

from embtune.config import load_config
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.model.source import is_on_hub
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress import Several


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def card_of(config: Path) -> str:
    assert run_training(load_config(config), TrainRequest(), Several()) is not None
    return (config.parent / "run" / "model" / "README.md").read_text(encoding="utf-8")


def write_mixture(folder: Path) -> Path:
    """Pairs and scored pairs, each with a loss of its own, and a retrieval folder, from a model in a folder."""
    base = folder / "somebody" / "minilm"
    base.parent.mkdir()
    save_model(load_model("scratch:static?width=16", scratch_texts=lambda: ["some words"]), base)
    write_pairs(folder / "pairs.jsonl")
    scored = [{"sentence_A": f"a {n}", "sentence_B": f"b | {n}", "score": n / 10} for n in range(10)]
    write_rows(folder / "scored.jsonl", scored)
    (folder / "nq" / "qrels").mkdir(parents=True)
    write_rows(folder / "nq" / "corpus.jsonl", [{"_id": f"d{n}", "text": f"document {n}"} for n in range(4)])
    write_rows(folder / "nq" / "queries.jsonl", [{"_id": f"q{n}", "text": f"query {n}"} for n in range(2)])
    judged = "".join(f"q{n}\td{n + 1}\t1\n" for n in range(2))
    (folder / "nq" / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    sets = [{"path": "pairs.jsonl"}, {"path": "scored.jsonl", "loss": {"name": "cosent", "scale": 30.0}}]
    return write_config(
        folder,
        model={"name_or_path": str(base)},
        data={"train": sets, "eval": [{"path": "nq"}]},
        modifiers=[{"name": "MatryoshkaLoss", "dims": [16, 8]}],
        train={"max_steps": 2, "batch_size": 8},
        eval={"steps": None},
    )


def test_a_mixture_tells_each_set_with_samples_and_each_loss_with_its_set(tmp_path: Path) -> None:
    card = card_of(write_mixture(tmp_path))
    for words in (
        "| scored | training | pairs with a score: sentence_A, sentence_B + label (score) | 10 |",
        "| a 2 | b \\| 2 | 0.2 |",
        "| nq | evaluation | 2 queries over 4 documents, with judgements | 2 |",
        "| query 1 | document 2 |",
        "**MultipleNegativesRankingLoss**, on pairs:",
        "**CoSENTLoss**, on scored:",
        "  scale: 30.0",
        "| metric | 16 dims | 8 dims |",
        "fine-tuned from `minilm` with",
    ):
        assert words in card, words
    assert "| a 3 |" not in card  # three rows of each
    assert "somebody" not in card
    assert "base_model" not in card


@pytest.mark.parametrize(
    ("name", "on_hub"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", True),
        ("bert-base-uncased", True),
        ("scratch:static", False),
        ("package:some_package/model", False),
        ("./models/mine", False),
        ("models/mine", False),
    ],
)
def test_a_folder_that_is_there_goes_before_the_hub(
    name: str, on_hub: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert is_on_hub(name) is on_hub
