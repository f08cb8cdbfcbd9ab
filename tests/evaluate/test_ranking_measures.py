import math

import numpy as np
import pytest

from embtune.evaluate.ranking_measures import Judged, accuracy, average_precision, ndcg, recall, reciprocal_rank
from embtune.evaluate.retrieval import judge

pytrec_eval = pytest.importorskip("pytrec_eval", reason="trec_eval has no build for this machine")

CUTS = (1, 3, 5, 10, 100)


def random_judgements(seed: int, graded: bool, queries: int = 30, candidates: int = 150) -> list[dict[int, int]]:
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(queries):
        relevant = generator.choice(candidates, size=generator.integers(1, 130), replace=False)
        grades = generator.integers(1, 4 if graded else 2, size=len(relevant))
        found.append(dict(zip(relevant.tolist(), grades.tolist(), strict=True)))
    return found


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_measures_equal_trec_eval(seed: int, graded: bool) -> None:
    relevances = random_judgements(seed, graded)
    generator = np.random.default_rng(seed + 50)
    ranked = np.stack([generator.permutation(150)[:100] for _ in relevances])
    judged = judge(ranked, relevances)
    for k in CUTS:
        theirs = trec_eval(ranked, relevances, k)
        assert accuracy(judged, k) == pytest.approx(theirs["success"], abs=1e-9)
        assert recall(judged, k) == pytest.approx(theirs["recall"], abs=1e-9)
        assert average_precision(judged, k) == pytest.approx(theirs["map_cut"], abs=1e-9)
        assert ndcg(judged, k) == pytest.approx(theirs["ndcg_cut"], abs=1e-9)
        assert reciprocal_rank(judged, k) == pytest.approx(theirs["recip_rank"], abs=1e-9)


def trec_eval(ranked: np.ndarray, relevances: list[dict[int, int]], k: int) -> dict[str, float]:
    """The reference's means. It knows no cut for the reciprocal rank, so it is shown the first k ranks only."""
    qrels = {f"q{q}": {f"d{d}": grade for d, grade in found.items()} for q, found in enumerate(relevances)}
    run = {f"q{q}": {f"d{d}": -float(rank) for rank, d in enumerate(row[:k])} for q, row in enumerate(ranked.tolist())}
    cuts = {f"{measure}.{k}" for measure in ("success", "recall", "map_cut", "ndcg_cut")}
    values = pytrec_eval.RelevanceEvaluator(qrels, cuts | {"recip_rank"}).evaluate(run)
    names = {"recip_rank": "recip_rank"} | {f"{m}_{k}": m for m in ("success", "recall", "map_cut", "ndcg_cut")}
    return {short: float(np.mean([row[name] for row in values.values()])) for name, short in names.items()}


def test_measures_by_hand() -> None:
    # relevant at ranks 2 and 4 of 4; a third relevant document is not found
    judged = Judged(np.array([[0.0, 1, 0, 1]]), np.array([[1.0, 1, 1, 0]]), np.array([3.0]))
    assert accuracy(judged, 1) == 0.0
    assert accuracy(judged, 2) == 1.0
    assert recall(judged, 4) == pytest.approx(2 / 3)
    assert reciprocal_rank(judged, 4) == 0.5
    assert reciprocal_rank(judged, 1) == 0.0
    assert average_precision(judged, 4) == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert ndcg(judged, 4) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2))
