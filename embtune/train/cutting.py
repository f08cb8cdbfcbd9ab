"""Where to cut texts that are sorted by length into micro-batches.

Legend: T texts, longest first; K different lengths.
"""

from __future__ import annotations

import numpy as np

_ATTENDED = 512  # tokens that a token attends to in the time that the rest of the layer takes it, about


def packed_cuts(lengths_T: np.ndarray, token_budget: int) -> list[int]:
    """Where each micro-batch begins, for texts that lie one behind the other: as many as fit, at least one."""
    ends_T = np.cumsum(lengths_T)
    starts, start = [], 0
    while start < len(lengths_T):
        starts.append(start)
        limit = ends_T[start] - lengths_T[start] + token_budget
        start = max(start + 1, int(np.searchsorted(ends_T, limit, side="right")))
    return starts


def even_cuts(lengths_T: np.ndarray, token_budget: int, lanes: int) -> list[int]:
    """The same for several lanes: parts of about the same work, of which each lane has the same number.

    A long text takes longer than short ones of as many tokens, for each token attends to all.
    """
    tokens_T, work_T = np.cumsum(lengths_T), np.cumsum(lengths_T * (lengths_T + _ATTENDED))
    limit = max(token_budget, int(lengths_T[0]))
    parts = -(-int(tokens_T[-1]) // (token_budget * lanes)) * lanes
    while True:
        shares = work_T[-1] * np.arange(1, parts) / parts
        starts: list[int] = np.unique([0, *np.searchsorted(work_T, shares, side="right")]).tolist()
        ends = np.array([*starts[1:], len(lengths_T)]) - 1
        if parts >= len(lengths_T) or np.diff(tokens_T[ends], prepend=0).max() <= limit:
            return starts
        parts += lanes


def padded_cuts(lengths_T: np.ndarray, token_budget: int, launch_tokens: int) -> list[int]:
    """Where each micro-batch begins, for texts that are padded to the longest of their micro-batch.

    The least of all token slots and `launch_tokens` a micro-batch together, over all ways to cut where the length
    changes; texts that are cut off together and do not fit into one micro-batch share a few evenly. By dynamic
    programming in O(K^2), whatever the number of texts.

    Args:
        lengths_T: (T,) tokens of each text, at least 1, longest first.
        token_budget: most token slots of a micro-batch; a longer text has one of its own.
        launch_tokens: what a micro-batch costs beside its slots, in slots.
    """
    falling_K, first_K = np.unique(-lengths_T, return_index=True)
    bounds = np.append(first_K, len(lengths_T))  # the texts of the k-th length are bounds[k]:bounds[k + 1]
    longest_K = -falling_K
    most_K = np.maximum(1, token_budget // longest_K)
    least = np.zeros(len(bounds), dtype=np.int64)  # cost of all texts before a bound
    came_from = np.zeros(len(bounds), dtype=np.int64)
    for stop in range(1, len(bounds)):
        count = bounds[stop] - bounds[:stop]
        costs = least[:stop] + count * longest_K[:stop] + launch_tokens * -(-count // most_K[:stop])
        came_from[stop] = costs.argmin()
        least[stop] = costs[came_from[stop]]
    starts: list[int] = []
    stop = len(bounds) - 1
    while stop > 0:
        start = int(came_from[stop])
        starts[:0] = _evenly(int(bounds[start]), int(bounds[stop]), int(most_K[start]))
        stop = start
    return starts


def _evenly(start: int, stop: int, most: int) -> list[int]:
    """Where the fewest parts begin that hold at most `most` each."""
    parts = -(-(stop - start) // most)
    return [start + (stop - start) * part // parts for part in range(parts)]
