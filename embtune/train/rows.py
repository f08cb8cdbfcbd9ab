"""One dataset as the engine sees it: for each view of the objective, the token ids of every row's text; and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from embtune.data.tokens import TokenStore
from embtune.losses.objective import View


@dataclass(frozen=True)
class TextColumn:
    """The texts of one view.

    store: the tokenised texts.
    text_of_row: (N,) integer, each row's text in `store`; -1 where the row has none (ragged negatives).
    prompt_length: leading tokens that belong to the prompt, for poolings that leave it out.
    """

    store: TokenStore
    text_of_row: np.ndarray
    prompt_length: int = 0

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows),) tokens of each row's text; 0 where it has none."""
        texts = self.text_of_row[rows]
        return np.where(texts >= 0, self.store.lengths[texts], 0)


@dataclass(frozen=True)
class TrainingRows:
    """A dataset ready for the step. labels: (N,) or (N, K) tensor on the CPU, or None."""

    name: str
    columns: Mapping[View, TextColumn]
    labels: Tensor | None
    size: int

    def tokens(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows),) tokens of each row, all views together."""
        return sum((column.lengths(rows) for column in self.columns.values()), np.zeros(len(rows), dtype=np.int64))
