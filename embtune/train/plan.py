"""Move 1, plan: which texts a group of rows names, and the micro-batches they are embedded in.

Texts are sorted by length, so that a micro-batch holds no padding that sorting can avoid, and cut by a budget of token
slots. The order of texts is the plan's own: nothing about the result depends on it but rounding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from embtune.losses.objective import View
from embtune.train.cutting import even_cuts, packed_cuts, padded_cuts
from embtune.train.dealing import dealt
from embtune.train.rows import TrainingRows
from embtune.world import ALONE, World


@dataclass(frozen=True)
class MicroBatch:
    """Texts embedded in one forward pass.

    slots: (n,) where their embeddings go in the tower's table.
    view: (n,) which of the plan's views each text is of; text: (n,) which text of that view's store.
    token_slots: what the forward pass computes on: texts x longest, or all tokens where there is no padding.
    """

    tower: str
    slots: np.ndarray
    view: np.ndarray
    text: np.ndarray
    token_slots: int


@dataclass(frozen=True)
class TextPlan:
    """Everything to embed for one group of rows.

    tower_of: view -> what embeds its texts.
    slot_of: view -> (B,) slot of each row's text in its tower's table, -1 where the row has none.
    table_rows: tower -> number of slots.
    micro_batches: of the texts that this process embeds; tokens: of these texts.
    """

    views: tuple[View, ...]
    tower_of: Mapping[View, str]
    slot_of: Mapping[View, np.ndarray]
    table_rows: Mapping[str, int]
    micro_batches: tuple[MicroBatch, ...]
    tokens: int


def row_groups(rows: np.ndarray, tokens: np.ndarray, token_limit: int) -> list[np.ndarray]:
    """Groups of rows that do not interact, each to go through all four moves by itself.

    A group holds as many whole rows as `token_limit` tokens of kept graphs allow (at least one), longest rows first, so
    that it never needs a second forward pass.
    """
    order = np.argsort(-tokens, kind="stable")
    starts = _cuts(tokens[order], token_limit)
    return [np.sort(rows[order[a:b]]) for a, b in zip(starts, [*starts[1:], len(rows)], strict=True)]


def _cuts(costs: np.ndarray, limit: int) -> list[int]:
    starts, spent = [0], 0
    for index, cost in enumerate(costs.tolist()):
        if index > starts[-1] and spent + cost > limit:
            starts.append(index)
            spent = 0
        spent += cost
    return starts


def plan_texts(
    data: TrainingRows,
    rows: np.ndarray,
    token_budget: int,
    share_equal_texts: bool,
    without_padding: Collection[str] = (),
    launch_tokens: int = 0,
    world: World = ALONE,
    lanes: int = 1,
) -> TextPlan:
    """Plan the embedding of all views of `rows`.

    Args:
        token_budget: most token slots of one micro-batch; a longer text has a micro-batch of its own.
        share_equal_texts: embed a text once however often the rows name it. Exact only without active dropout, where
            every copy would draw a mask of its own.
        without_padding: towers that compute texts one behind the other, for which a text takes its own length.
        launch_tokens: what a micro-batch of padded texts costs beside its token slots, in slots.
        world: the processes that share the texts; each has a part of every tower's.
        lanes: micro-batches of a tower that there are at least, where it has texts enough.
    """
    views = tuple(data.columns)
    tower_of = {view: data.tower_of(view) for view in views}
    slot_of: dict[View, np.ndarray] = {}
    table_rows: dict[str, int] = {}
    micro_batches: list[MicroBatch] = []
    tokens = 0
    for tower in dict.fromkeys(tower_of.values()):
        texts = _TowerTexts.collect(data, rows, [(i, view) for i, view in enumerate(views) if tower_of[view] == tower])
        if share_equal_texts:
            texts = texts.distinct()
        for view in (view for view in views if tower_of[view] == tower):
            slot_of[view] = texts.slot_of[view]
        table_rows[tower] = len(texts.lengths)
        mine = dealt(texts.lengths, world)  # longest first: what does not fit shows at once
        tokens += int(texts.lengths[mine].sum())
        cutting = _Cutting(token_budget, launch_tokens, tower not in without_padding, lanes)
        micro_batches += _micro_batches(tower, texts, mine, cutting)
    return TextPlan(views, tower_of, slot_of, table_rows, tuple(micro_batches), tokens)


@dataclass(frozen=True)
class _TowerTexts:
    view: np.ndarray  # (T,) index of the view
    text: np.ndarray  # (T,) text in the view's store
    store: np.ndarray  # (T,) which store: views may share one
    lengths: np.ndarray  # (T,)
    slot_of: dict[View, np.ndarray]

    @staticmethod
    def collect(data: TrainingRows, rows: np.ndarray, views: list[tuple[int, View]]) -> _TowerTexts:
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        slot_of, used = {}, 0
        for index, view in views:
            column = data.columns[view]
            texts = column.text_of_row[rows]
            there = texts >= 0
            count = int(there.sum())
            slot_of[view] = np.where(there, used + np.cumsum(there) - 1, -1)
            store = _store_number(data, view)
            parts.append((np.full(count, index), texts[there], np.full(count, store), column.lengths(rows)[there]))
            used += count
        view_t, text_t, store_t, lengths_t = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return _TowerTexts(view_t, text_t, store_t, lengths_t, slot_of)

    def distinct(self) -> _TowerTexts:
        keys = np.stack([self.store, self.text])
        _, first, slot = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        slot = slot.reshape(-1)  # numpy 2.0 alone returned it with the keys' shape
        slot_of = {view: np.where(old >= 0, slot[old], -1) for view, old in self.slot_of.items()}
        return _TowerTexts(self.view[first], self.text[first], self.store[first], self.lengths[first], slot_of)


def _store_number(data: TrainingRows, view: View) -> int:
    """Views share a number when they share a store, a prompt and a copy: then equal texts are equal embeddings."""
    mine = data.columns[view]
    for number, (other_view, other) in enumerate(data.columns.items()):
        same = other.store is mine.store and other.prompt_length == mine.prompt_length
        if same and data.tower_of(other_view) == data.tower_of(view) and other_view.copy == view.copy:
            return number
    raise AssertionError(f"{view} is not among the columns")


@dataclass(frozen=True)
class _Cutting:
    token_budget: int
    launch_tokens: int
    padded: bool
    lanes: int

    def starts(self, lengths: np.ndarray) -> list[int]:
        """Where micro-batches begin, for texts that are sorted, longest first."""
        if self.padded:
            share = self.token_budget if self.lanes == 1 else -(-int(lengths.sum()) // self.lanes)
            return padded_cuts(lengths, min(self.token_budget, share), self.launch_tokens)
        if self.lanes == 1:
            return packed_cuts(lengths, self.token_budget)
        return even_cuts(lengths, self.token_budget, self.lanes)


def _micro_batches(tower: str, texts: _TowerTexts, order: np.ndarray, cutting: _Cutting) -> Iterator[MicroBatch]:
    lengths = np.maximum(texts.lengths[order], 1)  # a text without a token is computed as one of padding
    for start, stop in pairwise([*cutting.starts(lengths), len(order)]):
        slots = order[start:stop]
        token_slots = int(lengths[start]) * len(slots) if cutting.padded else int(lengths[start:stop].sum())
        yield MicroBatch(tower, slots, texts.view[slots], texts.text[slots], token_slots)
