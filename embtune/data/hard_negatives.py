"""Which of the candidates that are near an anchor serve as its negatives.

Near candidates are worth the most to training, but the nearest of them are often positives that nobody has marked. So
ranks are left out, or what is nearly as near as the positive.
Paper: Moreira, Osmulski, Xu, Ak, Schifferer, Oldridge 2024, "NV-Retriever: Improving text embedding models with
effective hard-negative mining", arXiv:2407.15831.

Legend: Q anchors, K candidates of each, N negatives of each, P pairs of an anchor and a positive.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.choices import Sampling

Positions = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class NegativeRules:
    """What a negative has to be.

    negatives: wanted for each anchor.
    first_rank, last_rank: from 1, both included, among what is no known positive.
    floor, ceiling: of its score, both included.
    margin: how far its score stays below that of the positive, of the lowest where there are several, at least.
    relative_margin: the same, as a share of the positive's score.
    sampling: which of those that are left; RANDOM draws by `seed` and the anchor's number.
    """

    negatives: int = 1
    first_rank: int = 1
    last_rank: int = 100
    floor: float = -math.inf
    ceiling: float = math.inf
    margin: float | None = None
    relative_margin: float | None = None
    sampling: Sampling = Sampling.TOP
    seed: int = 42


@dataclass(frozen=True)
class Candidates:
    """What was found near some anchors.

    first: number of the first of these anchors.
    positions_QK: candidates, best first.
    scores_QK: -inf where there is none.
    positives_P2: anchor, counted from `first`, and document of each pair; every anchor has one.
    positive_P: the score of each pair.
    """

    first: int
    positions_QK: Positions
    scores_QK: Scores
    positives_P2: Positions
    positive_P: Scores

    def from_rank(self, first_rank: int) -> Candidates:
        """Those from a rank on, from 1."""
        start = first_rank - 1
        return replace(self, positions_QK=self.positions_QK[:, start:], scores_QK=self.scores_QK[:, start:])

    def lowest_positive(self) -> Scores:
        """(Q,) the score of each anchor's positive, of the lowest where it has several."""
        lowest_Q = np.full(len(self.scores_QK), np.inf, dtype=np.float32)
        np.minimum.at(lowest_Q, self.positives_P2[:, 0], self.positive_P)
        return lowest_Q


@dataclass(frozen=True)
class Negatives:
    """The negatives of some anchors, best first.

    positions_QN: -1 where an anchor has fewer. scores_QN: -inf there.
    """

    positions_QN: Positions
    scores_QN: Scores


def choose_negatives(candidates: Candidates, rules: NegativeRules, removed: Counter[str]) -> Negatives:
    """The negatives among candidates of the ranks that serve.

    Args:
        removed: for each rule, by its name, how many candidates it removed that those before it had left; counted on.
    """
    left_QK = np.isfinite(candidates.scores_QK)
    for name, kept_QK in _judged(candidates, rules):
        removed[name] += int((left_QK & ~kept_QK).sum())
        left_QK &= kept_QK
    if rules.sampling is Sampling.RANDOM:
        left_QK = _drawn(left_QK, candidates.first, rules)
    order_QK = np.argsort(~left_QK, axis=1, kind="stable")[:, : rules.negatives]
    there_QN = np.take_along_axis(left_QK, order_QK, axis=1)
    positions_QN = np.where(there_QN, np.take_along_axis(candidates.positions_QK, order_QK, axis=1), -1)
    scores_QN = np.where(there_QN, np.take_along_axis(candidates.scores_QK, order_QK, axis=1), -np.inf)
    return Negatives(positions_QN, scores_QN.astype(np.float32))


def _judged(candidates: Candidates, rules: NegativeRules) -> list[tuple[str, NDArray[np.bool_]]]:
    """For each rule its name and (Q, K) what keeps it. In float64, so that a bound is what the user wrote."""
    scores_QK = candidates.scores_QK.astype(np.float64)
    positive_Q1 = candidates.lowest_positive().astype(np.float64)[:, None]
    judged = []
    if rules.margin is not None:
        judged.append(("margin", scores_QK <= positive_Q1 - rules.margin))
    if rules.relative_margin is not None:  # of a score below 0 (a distance) the margin leads further down as well
        judged.append(("relative-margin", scores_QK <= positive_Q1 - rules.relative_margin * np.abs(positive_Q1)))
    judged.append(("scores", (scores_QK >= rules.floor) & (scores_QK <= rules.ceiling)))
    return judged


def _drawn(left_QK: NDArray[np.bool_], first: int, rules: NegativeRules) -> NDArray[np.bool_]:
    """As many of each anchor's candidates as are wanted, each as likely as another."""
    drawn_QK = np.zeros_like(left_QK)
    for row, left_K in enumerate(left_QK):
        places = np.flatnonzero(left_K)
        random = np.random.default_rng((rules.seed, first + row))
        drawn_QK[row, random.permutation(places)[: rules.negatives]] = True
    return drawn_QK
