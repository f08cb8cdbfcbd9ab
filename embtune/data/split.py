"""Hold out rows for evaluation so that no text stands on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embtune.data.examples import Examples
from embtune.errors import ConfigError, Problem

SPLIT_SEED = 0  # of what a config holds out: runs of other seeds hold out the same, and can be compared


def hold_out(examples: Examples, rows: int, seed: int, name: str = "eval") -> tuple[Examples, Examples]:
    """Split a dataset into what stays and about `rows` rows that are held out, never more.

    Rows that share a text, directly or through other rows, stay together. Which groups are held out is drawn by `seed`;
    both sides keep the order of the data.

    Args:
        name: the name of the held-out dataset.

    Raises:
        ConfigError: there is no group small enough, or nothing would be left to train on.
    """
    group = row_groups(examples.ids, len(examples.texts))
    held = _draw(group, rows, np.random.default_rng(seed))
    if not held.any() or held.all():
        largest = int(np.bincount(group).max())
        message = (
            f"{rows} of {len(examples)} rows of {examples.name!r} cannot be held out: "
            f"rows with a text in common stay together, up to {largest} of them"
        )
        raise ConfigError(Problem("cannot-hold-out", message, None, "give data.eval a dataset of its own"))
    return examples.select(np.flatnonzero(~held)), examples.select(np.flatnonzero(held), name)


def row_groups(ids: NDArray[np.int32], text_count: int) -> NDArray[np.int32]:
    """(N,) number of each row's group: rows connected by equal texts.

    Args:
        ids: (N, roles) text ids, -1 where there is none.
    """
    from scipy.sparse import coo_array  # here: a plain run has no use for scipy's half second
    from scipy.sparse.csgraph import connected_components

    size = len(ids)
    row, role = np.nonzero(ids >= 0)
    edges = (np.ones(len(row), dtype=np.int8), (row, size + ids[row, role]))
    graph = coo_array(edges, shape=(size + text_count, size + text_count))
    component = connected_components(graph, directed=False)[1][:size]
    return np.unique(component, return_inverse=True)[1].reshape(-1).astype(np.int32)


def _draw(group: NDArray[np.int32], rows: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """(N,) whether a row is held out: groups in random order, each that still fits."""
    sizes = np.bincount(group)
    chosen = np.zeros(len(sizes), dtype=bool)
    left = rows
    for number in random.permutation(len(sizes)).tolist():
        if sizes[number] <= left:
            chosen[number] = True
            left -= int(sizes[number])
        if left == 0:
            break
    return chosen[group]
