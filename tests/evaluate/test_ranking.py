import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.catalog.choices import Similarity
from embtune.evaluate.ranking import BestSoFar, comparable, rank_candidates
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


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 12), st.integers(1, 30))
def test_candidates_shown_in_blocks_rank_as_all_at_once_but_for_those_left_out(
    seed: int, count: int, keep: int, block: int
) -> None:
    generator = np.random.default_rng(seed)
    queries = generator.integers(-1, 2, size=(5, 3)).astype(np.float32)
    candidates = generator.integers(-1, 2, size=(count, 3)).astype(np.float32)
    left_out = np.argwhere(generator.random((5, count)) < 0.3)
    best = BestSoFar(comparable(queries, Similarity.DOT), Similarity.DOT, keep)
    for start in range(0, count, block):
        here = (left_out[:, 1] >= start) & (left_out[:, 1] < start + block)
        best.add(comparable(candidates[start : start + block], Similarity.DOT), left_out[here] - np.array([0, start]))
    ranked = best.ranked()
    for row, whole in enumerate(slow_ranking(queries, candidates, Similarity.DOT)):
        expected = [place for place in whole if [row, place] not in left_out.tolist()][:keep]
        there = np.isfinite(ranked.scores_QK[row])
        assert ranked.positions_QK[row][there].tolist() == expected
        np.testing.assert_array_equal(ranked.scores_QK[row][there], candidates[expected] @ queries[row])
