"""Rows that are made of plain texts anew in every step: damaged copies, and pairs of equal or different texts.

What is made is a function of the step's seed and rows, so a resumed run and a repeated step make the same.

Legend: B rows that the loss sees, M texts they are made of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from embtune.data.noise import NoiseSettings, damaged
from embtune.data.tokens import TokenIds, TokenStore
from embtune.losses.objective import TWIN_TOWER
from embtune.train.rows import TextColumn, TrainingRows

_PAIRS_PER_SAME = 8  # one pair in eight is of a text with itself: 7 negatives a positive, as the paper has it


class RowMaker(ABC):
    """Makes the rows of a step from a batch of texts."""

    @abstractmethod
    def texts_for(self, rows: int) -> int:
        """How many texts a batch of so many rows is made of."""

    @abstractmethod
    def make(self, data: TrainingRows, texts: np.ndarray, seed: int) -> TrainingRows:
        """The step's rows, made of these (M,) rows of `data`; nothing else is in them."""


@dataclass(frozen=True)
class NoisyTexts(RowMaker):
    """Each text damaged; what a decoder is to rebuild stays whole.

    texts: all distinct texts. text_of_row: (N,) each row's text among them.
    encode: texts -> the token ids of each, prompt included.
    mask: what stands for a masked word.
    """

    texts: Sequence[str]
    text_of_row: np.ndarray
    settings: NoiseSettings
    encode: Callable[[Sequence[str]], list[TokenIds]]
    mask: str

    def texts_for(self, rows: int) -> int:
        """A text a row."""
        return rows

    def make(self, data: TrainingRows, texts: np.ndarray, seed: int) -> TrainingRows:
        """The rows with every view's text damaged, all views alike."""
        store = TokenStore.build([self._damaged(row, seed) for row in texts.tolist()], self.encode)
        places = np.arange(len(texts))
        whole = data.select(texts)
        noisy = {view: TextColumn(store, places, column.prompt_length) for view, column in whole.columns.items()}
        return replace(whole, columns=noisy)

    def _damaged(self, row: int, seed: int) -> str:
        text = self.texts[self.text_of_row[row]]
        return damaged(text, self.settings, np.random.default_rng((seed, row)), self.texts, self.mask)


@dataclass(frozen=True)
class SameOrDifferent(RowMaker):
    """Pairs labelled 1 (a text with itself) or 0 (two texts), one tower reading the left and the other the right.

    Paper: Carlsson et al. 2021 (ICLR): one pair of equal texts to seven of different ones, every text used once.
    """

    def texts_for(self, rows: int) -> int:
        """Two texts a pair of different ones, one a pair of equal ones."""
        return 2 * rows - max(1, round(rows / _PAIRS_PER_SAME))

    def make(self, data: TrainingRows, texts: np.ndarray, seed: int) -> TrainingRows:
        """The pairs, those of equal texts first. Equal texts that meet by chance are labelled so."""
        left, right = _paired(texts)
        columns = {
            view: column.select(left if view.tower == TWIN_TOWER else right) for view, column in data.columns.items()
        }
        one = next(iter(data.columns.values()))
        same = one.text_of_row[left] == one.text_of_row[right]
        labels = torch.from_numpy(same.astype(np.float32))
        return replace(data.select(left), columns=columns, labels=labels)


def _paired(texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right of each pair. Inverts `texts_for`: so many texts make so many pairs."""
    pairs = max(1, round(len(texts) * _PAIRS_PER_SAME / (2 * _PAIRS_PER_SAME - 1)))
    same = 2 * pairs - len(texts)
    alike, different = texts[:same], texts[same:]
    half = pairs - same
    return np.concatenate([alike, different[:half]]), np.concatenate([alike, different[half:]])
