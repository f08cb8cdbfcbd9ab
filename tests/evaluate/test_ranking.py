import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.catalog.choices import Similarity
from embtune.evaluate.ranking import rank_candidates
from embtune.evaluate.scoring import pair_scores


def slow_ranking(queries: np.ndarray, candidates: np.ndarray, similarity: Similarity) -> list[list[int]]:
    """Every candidate by falling score, then by position."""
    ranked = []
    for query in queries:
        scores = pair_scores(np.repeat(query[None], len(candidates), axis=0), candidates, similarity)
        ranked.append(sorted(range(len(candidates)), key=lambda place: (-scores[place], place)))
    return ranked


@pytest.mark.parametrize("similarity", Similarity)
def test_the_ranking_equals_a_slow_one(similarity: Similarity) -> None:
    generator = np.random.default_rng(8)
    queries = generator.normal(size=(7, 5)).astype(np.float32)
    candidates = generator.normal(size=(40, 5)).astype(np.float32)
    ranked = rank_candidates(queries, candidates, similarity, keep=10)
    assert ranked.tolist() == [row[:10] for row in slow_ranking(queries, candidates, similarity)]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 12), st.integers(1, 100))
def test_ties_are_ordered_by_position_however_the_scores_are_cut(seed: int, count: int, keep: int, tile: int) -> None:
    generator = np.random.default_rng(seed)
    # whole numbers: scores are exact, and many are equal
    queries = generator.integers(-1, 2, size=(5, 3)).astype(np.float32)
    candidates = generator.integers(-1, 2, size=(count, 3)).astype(np.float32)
    ranked = rank_candidates(queries, candidates, Similarity.DOT, keep, scores_at_once=tile)
    assert ranked.tolist() == [row[:keep] for row in slow_ranking(queries, candidates, Similarity.DOT)]
