"""With a cross-encoder, its scores choose among the candidates that the ranks give, and are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mine_reference import made_rows, said, serves, slow_survivors, write_rows
from small_models import save_scorer

from embtune.catalog.choices import MinedFormat
from embtune.data.hard_negatives import NegativeRules
from embtune.errors import ModelError
from embtune.model.cross_encoder import load_cross_encoder, score_pairs
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline import mine_rescore
from embtune.pipeline.mine_job import MineOrder, run_mining
from embtune.report.progress_plain import PlainProgress, discard

ROWS = made_rows(20)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A static model and a cross-encoder."""
    folder = tmp_path_factory.mktemp("models")
    texts = [text for row in ROWS for text in row]
    save_model(load_model("scratch:static?width=16&vocab=200", scratch_texts=lambda: texts), folder / "static")
    save_scorer("bert", folder / "scorer")
    return str(folder / "static"), str(folder / "scorer")


def mine(folder: Path, order: MineOrder) -> list[dict[str, Any]]:
    run_mining(order, folder / "cache", PlainProgress(discard))
    return [json.loads(line) for line in Path(order.out).read_text(encoding="utf-8").splitlines()]


def test_negatives_and_scores_are_those_of_scoring_every_candidate(
    models: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mine_rescore, "_PART", 50)  # so that anchors are cut apart
    model, scorer = models
    corpus = [positive for _, positive in ROWS]
    texts = list(dict.fromkeys(text for row in ROWS for text in row))
    vectors = dict(zip(texts, encode_texts(load_model(model), texts), strict=True))
    pairs = [(anchor, text) for anchor, _ in ROWS for text in corpus]
    scores = dict(zip(pairs, map(float, score_pairs(load_cross_encoder(scorer), pairs)), strict=True))
    near = slow_survivors(ROWS, corpus, vectors, NegativeRules(first_rank=2, last_rank=11))
    margin = float(np.std(list(scores.values()))) / 4
    rules = NegativeRules(negatives=2, first_rank=2, last_rank=11, margin=margin)
    data = str(write_rows(tmp_path / "rows.jsonl", ROWS))
    order = MineOrder(data, model, str(tmp_path / "out.jsonl"), rules=rules, rescore=scorer, with_scores=True)
    found = {
        (row["anchor"], row["positive"]): row for row in mine(tmp_path, replace(order, format=MinedFormat.N_TUPLES))
    }
    first = {said(anchor): anchor for anchor, _ in reversed(ROWS)}
    some = 0
    for anchor, positive in ROWS:
        asked = first[said(anchor)]
        lowest = min(scores[asked, text] for other, text in ROWS if said(other) == said(anchor))
        rescored = sorted(((scores[asked, text], text) for text, _ in near[said(anchor)]), reverse=True)
        expected = [(score, text) for score, text in rescored if serves(score, lowest, rules)][:2]
        some += bool(expected)
        row = found.get((anchor, positive), {"negatives": [], "scores": [scores[asked, positive]]})
        assert row["negatives"] == [text for _, text in expected]
        wanted = [scores[asked, positive], *(score for score, _ in expected)]
        np.testing.assert_allclose(row["scores"], wanted, atol=2e-5, rtol=1e-4)
    assert 0 < some < len(ROWS)


def test_scores_that_are_there_are_not_made_again(
    models: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mine_rescore, "_PART", 40)
    data = str(write_rows(tmp_path / "rows.jsonl", ROWS))
    order = MineOrder(data, models[0], str(tmp_path / "out.jsonl"), rules=NegativeRules(last_rank=5), rescore=models[1])
    first = mine(tmp_path, order)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cache/pair_scores/*/manifest.json")}
    assert len(made) == 3  # 16 anchors with 5 candidates each, and 20 positives
    next(iter(made)).unlink()
    assert mine(tmp_path, order) == first
    again = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cache/pair_scores/*/manifest.json")}
    assert sum(again[path] != time for path, time in made.items()) == 1


def test_a_model_that_scores_no_pairs_is_refused(models: tuple[str, str], tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "rows.jsonl", ROWS))
    order = MineOrder(data, models[0], str(tmp_path / "out.jsonl"), rescore=models[0])
    with pytest.raises(ModelError):
        run_mining(order, tmp_path / "cache", PlainProgress(discard))
