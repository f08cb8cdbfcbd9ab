"""From texts that are named to their token ids: one gather a store, and no Python once a text.

Legend: T texts, N tokens of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embtune.model.features import FlatTexts
from embtune.train.rows import TextColumn


def gathered(columns: Sequence[TextColumn], column_T: np.ndarray, text_T: np.ndarray) -> FlatTexts:
    """The ids of texts of several columns, in the order asked for.

    Args:
        column_T: (T,) which of the columns each text is of.
        text_T: (T,) its number in that column's store.
    """
    lengths_T = np.zeros(len(text_T), dtype=np.int64)
    prompts_T = np.array([column.prompt_length for column in columns], dtype=np.int64)[column_T]
    parts = []
    for number in np.unique(column_T).tolist():
        mine = np.flatnonzero(column_T == number)
        ids_N, lengths_T[mine] = columns[number].store.flat(text_T[mine])
        parts.append((mine, ids_N))
    ids = parts[0][1] if len(parts) == 1 else _woven(parts, lengths_T)
    return FlatTexts(ids, lengths_T, prompts_T if prompts_T.any() else None)


def _woven(parts: Sequence[tuple[np.ndarray, np.ndarray]], lengths_T: np.ndarray) -> np.ndarray:
    """(N,) the parts' ids with every text at its place. A part: which texts it holds, and their ids."""
    starts_T = np.cumsum(lengths_T) - lengths_T
    woven_N = np.empty(int(lengths_T.sum()), dtype=np.int32)
    for mine, ids in parts:
        lengths = lengths_T[mine]
        starts = np.cumsum(lengths) - lengths
        woven_N[np.repeat(starts_T[mine] - starts, lengths) + np.arange(len(ids))] = ids
    return woven_N
