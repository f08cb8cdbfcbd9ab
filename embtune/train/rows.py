"""One dataset as the engine sees it: for each view of the objective, the token ids of every row's text; and labels.

Legend: B rows, T tokens, N tokens of all rows, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from embtune.data.tokens import TokenStore
from embtune.losses.objective import NO_TOKEN, View


@dataclass(frozen=True)
class TextColumn:
    """The texts of one view.

    store: the tokenised texts.
    text_of_row: (N,) integer, each row's text in `store`; -1 where the row has none (ragged negatives).
    prompt_length: leading tokens that belong to the prompt, for poolings that leave it out.
    tower: what embeds them; None is the view's own tower.
    """

    store: TokenStore
    text_of_row: np.ndarray
    prompt_length: int = 0
    tower: str | None = None

    @cached_property
    def is_ragged(self) -> bool:
        """Whether some row has no text here."""
        return bool((self.text_of_row < 0).any())

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows),) tokens of each row's text; 0 where it has none."""
        texts = self.text_of_row[rows]
        return np.where(texts >= 0, self.store.lengths_of(np.maximum(texts, 0)), 0)

    def padded(self, rows: np.ndarray) -> Tensor:
        """(B, T) int64 token ids of these rows' texts, filled up with `NO_TOKEN`."""
        texts_B = self.text_of_row[rows]
        ids_N, lengths = self.store.flat(texts_B[texts_B >= 0])
        lengths_B = self.lengths(rows)
        ids_BT = np.full((len(rows), max(1, int(lengths.max(initial=0)))), NO_TOKEN, dtype=np.int64)
        ids_BT[np.arange(ids_BT.shape[1]) < lengths_B[:, None]] = ids_N
        return torch.from_numpy(ids_BT)

    def select(self, rows: np.ndarray) -> TextColumn:
        """Some rows, in the order given."""
        return replace(self, text_of_row=self.text_of_row[rows])


@dataclass(frozen=True)
class FrozenColumn:
    """The texts of one view of a frozen tower, embedded ahead.

    vectors: (texts, D) float32, perhaps a file mapped into memory.
    text_of_row: (N,) integer, each row's text in `vectors`; -1 where the row has none.
    """

    vectors: np.ndarray
    text_of_row: np.ndarray

    def embeddings(self, rows: np.ndarray) -> Tensor:
        """(B, D) float32; an absent text stands as some other one."""
        return torch.from_numpy(np.ascontiguousarray(self.vectors[np.maximum(self.text_of_row[rows], 0)]))

    def select(self, rows: np.ndarray) -> FrozenColumn:
        """Some rows, in the order given."""
        return replace(self, text_of_row=self.text_of_row[rows])


@dataclass(frozen=True)
class TrainingRows:
    """A dataset ready for the step.

    columns: the views to embed. frozen: those that frozen towers have embedded. targets: those a decoder rebuilds.
    labels: (N,) or (N, K) tensor on the CPU, or None. roles: of the dataset, as the objective was asked with.
    """

    name: str
    columns: Mapping[View, TextColumn]
    labels: Tensor | None
    size: int
    frozen: Mapping[View, FrozenColumn] = field(default_factory=dict)
    targets: Mapping[View, TextColumn] = field(default_factory=dict)
    roles: tuple[str, ...] = ()

    def tower_of(self, view: View) -> str:
        """What embeds the texts of a view."""
        return self.columns[view].tower or view.tower

    def tokens(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows),) tokens of each row, all views and targets together."""
        columns = (*self.columns.values(), *self.targets.values())
        return sum((column.lengths(rows) for column in columns), np.zeros(len(rows), dtype=np.int64))

    def select(self, rows: np.ndarray) -> TrainingRows:
        """Some rows, in the order given, as a dataset of their own."""
        return replace(
            self,
            columns={view: column.select(rows) for view, column in self.columns.items()},
            labels=None if self.labels is None else self.labels[torch.from_numpy(rows)],
            size=len(rows),
            frozen={view: column.select(rows) for view, column in self.frozen.items()},
            targets={view: column.select(rows) for view, column in self.targets.items()},
        )
