"""Rules on worked examples; tests/pipeline/test_mine.py holds them against brute force."""

from __future__ import annotations

from collections import Counter

import numpy as np

from embtune.catalog.choices import Sampling
from embtune.data.hard_negatives import Candidates, NegativeRules, choose_negatives

SCORES = np.array([[0.9, 0.7, 0.5, 0.3], [0.6, 0.2, -0.5, -np.inf]], dtype=np.float32)


def candidates(positive: list[tuple[int, float]]) -> Candidates:
    """Candidates 10 to 13 of each of two anchors, and (anchor, score) of their positives."""
    pairs = np.array([(anchor, 99) for anchor, _ in positive])
    scores = np.array([score for _, score in positive], dtype=np.float32)
    return Candidates(0, np.tile(np.arange(10, 14), (2, 1)), SCORES, pairs, scores)


def chosen(rules: NegativeRules, positive: list[tuple[int, float]]) -> list[list[int]]:
    found = choose_negatives(candidates(positive).from_rank(rules.first_rank), rules, Counter())
    return [[place for place in row if place >= 0] for row in found.positions_QN.tolist()]


def test_the_lowest_of_several_positives_counts() -> None:
    rules = NegativeRules(negatives=4, margin=0.0)
    assert chosen(rules, [(0, 0.8), (0, 0.4), (1, 0.25)]) == [[13], [11, 12]]


def test_a_relative_margin_leads_down_from_scores_below_zero_too() -> None:
    rules = NegativeRules(negatives=4, relative_margin=0.5)
    assert chosen(rules, [(0, 1.0), (1, -0.4)]) == [[12, 13], []]
    assert chosen(rules, [(0, 1.0), (1, -0.3)]) == [[12, 13], [12]]


def test_both_ends_of_the_scores_serve() -> None:
    rules = NegativeRules(negatives=4, floor=0.5, ceiling=0.75)
    assert chosen(rules, [(0, 0.0), (1, 0.0)]) == [[11, 12], [10]]


def test_a_candidate_is_counted_for_the_first_rule_that_removes_it() -> None:
    removed: Counter[str] = Counter()
    rules = NegativeRules(margin=0.2, relative_margin=0.35, floor=0.0)
    choose_negatives(candidates([(0, 1.0), (1, 1.0)]), rules, removed)
    assert removed == {"margin": 1, "relative-margin": 1, "scores": 1}


def test_what_is_drawn_hangs_on_the_anchor_and_not_on_the_block_it_is_in() -> None:
    rules = NegativeRules(negatives=2, sampling=Sampling.RANDOM)
    both = chosen(rules, [(0, 1.0), (1, 1.0)])
    second = Candidates(1, np.arange(10, 14)[None], SCORES[1:], np.array([[0, 99]]), np.ones(1, dtype=np.float32))
    found = choose_negatives(second, rules, Counter())
    assert found.positions_QN.tolist() == both[1:]
