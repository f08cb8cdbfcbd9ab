"""Mining finds what loops over every pair find, whatever is asked for, and leaves out what is known to belong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mine_reference import WORDS, Rows, made_corpus, made_rows, said, slow_survivors, write_lines, write_rows

from embtune.catalog.choices import MinedFormat, Sampling
from embtune.data.hard_negatives import NegativeRules
from embtune.errors import ConfigError, DataError, ModelError, UsageError
from embtune.model import frozen
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.save import save_model
from embtune.pipeline.mine_job import MineOrder, run_mining
from embtune.pipeline.mined import MineReport
from embtune.report.progress_plain import PlainProgress, discard

RULES = {
    "top": NegativeRules(negatives=3),
    "ranks": NegativeRules(negatives=4, first_rank=4, last_rank=9),
    "one rank": NegativeRules(negatives=1, first_rank=2, last_rank=2),
    "margin": NegativeRules(negatives=3, margin=0.2),
    "relative margin": NegativeRules(negatives=3, relative_margin=0.3),
    "both margins": NegativeRules(negatives=3, margin=0.1, relative_margin=0.25),
    "floor": NegativeRules(negatives=50, floor=0.3),
    "ceiling": NegativeRules(negatives=2, ceiling=0.5),
    "all": NegativeRules(negatives=2, first_rank=2, last_rank=30, floor=0.1, ceiling=0.8, margin=0.05),
}
ROUNDING = 2e-6


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A static model, whose vectors of different texts are far apart; the order of words is nothing to it."""
    folder = tmp_path_factory.mktemp("models") / "static"
    texts = [text for row in made_rows() for text in row]
    save_model(load_model("scratch:static?width=16&vocab=200", scratch_texts=lambda: texts), folder)
    return str(folder)


def mine(folder: Path, order: MineOrder) -> tuple[list[dict[str, Any]], MineReport]:
    report = run_mining(order, folder / "cache", PlainProgress(discard))
    lines = Path(order.out).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines], report


def vectors_of(model: str, rows: Rows, corpus: list[str]) -> Mapping[str, np.ndarray]:
    texts = list(dict.fromkeys([*corpus, *(text for row in rows for text in row)]))
    return dict(zip(texts, encode_texts(load_model(model), texts), strict=True))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("source", ["positives", "corpus"])
def test_negatives_and_scores_equal_brute_force(name: str, source: str, model: str, tmp_path: Path) -> None:
    rows, rules = made_rows(), RULES[name]
    corpus = made_corpus(rows) if source == "corpus" else [positive for _, positive in rows]
    expected = slow_survivors(rows, corpus, vectors_of(model, rows, corpus), rules)
    order = MineOrder(str(write_rows(tmp_path / "rows.jsonl", rows)), model, str(tmp_path / "out.jsonl"), rules=rules)
    if source == "corpus":
        path = write_lines(tmp_path / "corpus.jsonl", [{"text": text} for text in corpus])
        order = replace(order, corpus=str(path))
    found, report = mine(tmp_path, replace(order, format=MinedFormat.N_TUPLES, with_scores=True))
    wanted = {(a, p): expected[said(a)][: rules.negatives] for a, p in rows if expected[said(a)]}
    assert wanted
    assert [(row["anchor"], row["positive"]) for row in found] == list(wanted)
    for row, negatives in zip(found, wanted.values(), strict=True):
        assert row["negatives"] == [text for text, _ in negatives]
        np.testing.assert_allclose(row["scores"][1:], [score for _, score in negatives], rtol=0, atol=ROUNDING)
    assert report.negatives == sum(map(len, wanted.values()))
    assert report.rows_without == len(rows) - len(wanted)


def test_a_transformer_mines_as_brute_force_does(plain_folder: Callable[[str], Path], tmp_path: Path) -> None:
    rows, model = made_rows(), str(plain_folder("bert"))
    corpus = [positive for _, positive in rows]
    expected = slow_survivors(rows, corpus, vectors_of(model, rows, corpus), NegativeRules())
    found, _ = mine(
        tmp_path, MineOrder(str(write_rows(tmp_path / "rows.jsonl", rows)), model, str(tmp_path / "o.jsonl"))
    )
    assert [row["negative"] for row in found] == [expected[said(anchor)][0][0] for anchor, _ in rows]


def test_it_does_not_matter_how_texts_and_scores_are_cut(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made_rows()
    order = MineOrder(str(write_rows(tmp_path / "rows.jsonl", rows)), model, str(tmp_path / "out.jsonl"))
    order = replace(order, rules=NegativeRules(negatives=5), format=MinedFormat.N_TUPLES)
    whole, _ = mine(tmp_path, order)
    monkeypatch.setattr(frozen, "PART", 7)
    assert mine(tmp_path, order)[0] == whole


def test_random_negatives_are_some_of_those_that_serve_and_the_seed_decides_which(model: str, tmp_path: Path) -> None:
    rows = made_rows()
    corpus = [positive for _, positive in rows]
    rules = NegativeRules(negatives=2, last_rank=12, margin=0.1, sampling=Sampling.RANDOM)
    expected = slow_survivors(rows, corpus, vectors_of(model, rows, corpus), rules)
    order = MineOrder(str(write_rows(tmp_path / "rows.jsonl", rows)), model, str(tmp_path / "out.jsonl"), rules=rules)
    order = replace(order, format=MinedFormat.N_TUPLES)
    found, _ = mine(tmp_path, order)
    for row in found:
        serving = [text for text, _ in expected[said(row["anchor"])]]
        places = [serving.index(text) for text in row["negatives"]]
        assert places == sorted(set(places))
        assert len(places) == min(2, len(serving))
    assert mine(tmp_path, order)[0] == found
    drawn = [mine(tmp_path, replace(order, rules=replace(rules, seed=seed)))[0] for seed in (1, 2, 3)]
    assert all(other != found for other in drawn)


def test_every_candidate_that_serves_is_drawn_by_some_seed(model: str, tmp_path: Path) -> None:
    rows = made_rows(12)
    data = str(write_rows(tmp_path / "rows.jsonl", rows))
    drawn = set()
    for seed in range(40):
        rules = NegativeRules(negatives=1, last_rank=4, sampling=Sampling.RANDOM, seed=seed)
        found, _ = mine(tmp_path, MineOrder(data, model, str(tmp_path / "out.jsonl"), rules=rules))
        drawn.add(found[0]["negative"])
    assert len(drawn) == 4


def beir(folder: Path, rows: Rows, corpus: list[str]) -> tuple[Path, list[tuple[str, str]]]:
    """A BEIR folder whose queries are the anchors of `rows`, and what its two splits say answers what."""
    (folder / "qrels").mkdir(parents=True)
    write_lines(folder / "corpus.jsonl", [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(corpus)])
    queries = list(dict.fromkeys(anchor for anchor, _ in rows))
    write_lines(folder / "queries.jsonl", [{"_id": f"q{i}", "text": text} for i, text in enumerate(queries)])
    answers = []
    for number, split in enumerate(("dev", "train")):
        lines = ["query-id\tcorpus-id\tscore"]
        for query in range(number, len(queries), 2):
            lines += [f"q{query}\td{query + 10}\t1", f"q{query}\td{query + 11}\t0"]
            answers.append((queries[query], corpus[query + 10]))
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder, answers


def test_what_a_corpus_judges_to_answer_an_anchor_is_none_of_its_negatives(model: str, tmp_path: Path) -> None:
    rows = made_rows()
    corpus = list(dict.fromkeys(made_corpus(rows)))
    folder, answers = beir(tmp_path / "beir", rows, corpus)
    rules = NegativeRules(negatives=100)
    expected = slow_survivors(rows, corpus, vectors_of(model, rows, corpus), rules, answers)
    without = slow_survivors(rows, corpus, vectors_of(model, rows, corpus), rules)
    data = str(write_rows(tmp_path / "rows.jsonl", rows))
    order = MineOrder(data, model, str(tmp_path / "out.jsonl"), corpus=str(folder), rules=rules)
    found, _ = mine(tmp_path, replace(order, format=MinedFormat.N_TUPLES))
    assert expected != without
    for row in found:
        assert row["negatives"] == [text for text, _ in expected[said(row["anchor"])]]


def test_the_judgements_of_a_beir_folder_are_rows_to_mine_for(model: str, tmp_path: Path) -> None:
    corpus = [f"{word} and {other}" for word in WORDS for other in WORDS]
    folder, answers = beir(tmp_path / "beir", made_rows(20), corpus)
    order = MineOrder(str(folder / "qrels" / "dev.tsv"), model, str(tmp_path / "out.jsonl"), corpus=str(folder))
    found, _ = mine(tmp_path, order)
    half = [answer for number, answer in enumerate(dict.fromkeys(a for a, _ in answers))]
    assert [(row["anchor"], row["positive"]) for row in found] == answers[: len(found)]
    assert len(found) == (len(half) + 1) // 2


@pytest.mark.parametrize("with_scores", [False, True])
@pytest.mark.parametrize("wanted", MinedFormat)
def test_every_format_says_the_same(wanted: MinedFormat, with_scores: bool, model: str, tmp_path: Path) -> None:
    rows = made_rows()
    order = MineOrder(str(write_rows(tmp_path / "rows.jsonl", rows)), model, str(tmp_path / "out.jsonl"))
    order = replace(order, rules=NegativeRules(negatives=3, margin=0.1), with_scores=True)
    lists, _ = mine(tmp_path, replace(order, format=MinedFormat.N_TUPLES))
    found, _ = mine(tmp_path, replace(order, format=wanted, with_scores=with_scores))
    expected: list[dict[str, object]] = []
    seen = set()
    for row in lists:
        pair = {"anchor": row["anchor"], "positive": row["positive"]}
        scores, negatives = row["scores"], row["negatives"]
        if wanted is MinedFormat.N_TUPLES:
            expected.append({**pair, "negatives": negatives, "scores": scores})
        elif wanted is MinedFormat.TRIPLETS:
            for text, score in zip(negatives, scores[1:], strict=True):
                expected.append({**pair, "negative": text, "scores": [scores[0], score]})
        else:
            of_anchor = list(zip(negatives, scores[1:], strict=True)) * (said(row["anchor"]) not in seen)
            for number, (text, score) in enumerate([(row["positive"], scores[0]), *of_anchor]):
                label = {"score": score} if with_scores else {"label": int(number == 0)}
                expected.append({"sentence_A": row["anchor"], "sentence_B": text, **label})
            seen.add(said(row["anchor"]))
    if not with_scores:
        expected = [{key: value for key, value in row.items() if key != "scores"} for row in expected]
    assert found == expected


def test_positives_have_the_scores_of_their_own_pairs(model: str, tmp_path: Path) -> None:
    rows = made_rows()
    vectors = vectors_of(model, rows, [])
    order = MineOrder(str(write_rows(tmp_path / "rows.jsonl", rows)), model, str(tmp_path / "out.jsonl"))
    found, _ = mine(tmp_path, replace(order, with_scores=True))
    first = {said(anchor): anchor for anchor, _ in reversed(rows)}
    for row in found:
        anchor, positive = vectors[first[said(row["anchor"])]], vectors[row["positive"]]
        cosine = anchor @ positive / np.linalg.norm(anchor) / np.linalg.norm(positive)
        np.testing.assert_allclose(row["scores"][0], cosine, rtol=0, atol=ROUNDING)


def test_rows_with_too_few_negatives_are_counted_and_the_rule_that_took_the_most_is_named(
    model: str, tmp_path: Path
) -> None:
    rows = made_rows()
    data = str(write_rows(tmp_path / "rows.jsonl", rows))
    rules = NegativeRules(negatives=3, last_rank=10, margin=0.5, ceiling=0.99)
    found, report = mine(tmp_path, MineOrder(data, model, str(tmp_path / "out.jsonl"), rules=rules))
    counted = {anchor: sum(row["anchor"] == anchor for row in found) for anchor, _ in rows}
    assert report.rows_with_fewer == sum(counted[anchor] < 3 for anchor, _ in rows)
    assert report.rows_without == sum(counted[anchor] == 0 for anchor, _ in rows)
    shortage = report.shortage()
    assert shortage is not None
    assert "Loosen --margin (it removed" in shortage
    assert "--ranks 1:10" in shortage


def test_mining_without_any_result_is_an_error_and_leaves_no_file(model: str, tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "rows.jsonl", made_rows()))
    order = MineOrder(data, model, str(tmp_path / "out.jsonl"), rules=NegativeRules(floor=0.9999, ceiling=1.0))
    with pytest.raises(DataError, match="no row has any negative"):
        run_mining(order, tmp_path / "cache", PlainProgress(discard))
    assert not (tmp_path / "out.jsonl").exists()


def test_data_without_positives_is_refused_with_the_remedy(model: str, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "rows.jsonl", [{"sentence1": "a b", "sentence2": "c d", "label": i % 2} for i in range(9)]
    )
    with pytest.raises(ConfigError, match="needs an anchor and its positive"):
        run_mining(MineOrder(str(path), model, str(tmp_path / "out.jsonl")), tmp_path / "cache", PlainProgress(discard))


def test_bad_rows_of_a_corpus_are_told_with_their_line(model: str, tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "rows.jsonl", made_rows()))
    corpus = write_lines(tmp_path / "corpus.jsonl", [{"text": "good"}, {"text": "  "}, {"text": None}])
    order = MineOrder(data, model, str(tmp_path / "out.jsonl"), corpus=str(corpus))
    with pytest.raises(DataError) as caught:
        run_mining(order, tmp_path / "cache", PlainProgress(discard))
    assert f"{corpus}:2: error[empty-text]" in str(caught.value)
    assert f"{corpus}:3: error[null-text]" in str(caught.value)


def test_a_table_without_lists_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    order = MineOrder("nothing-there.jsonl", "no-model", str(tmp_path / "out.csv"), format=MinedFormat.N_TUPLES)
    with pytest.raises(UsageError, match="hold lists"):
        run_mining(order, tmp_path / "cache", PlainProgress(discard))


def test_a_model_that_is_not_there_is_told_before_the_corpus_is_read(tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "rows.jsonl", made_rows()))
    order = MineOrder(data, str(tmp_path / "no-model"), str(tmp_path / "out.jsonl"), corpus="nothing-there.jsonl")
    with pytest.raises(ModelError):
        run_mining(order, tmp_path / "cache", PlainProgress(discard))
