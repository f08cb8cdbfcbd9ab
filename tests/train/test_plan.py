"""Planning: every text is embedded exactly once, within the budget, and rows find their texts again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embtune.data.tokens import TokenStore
from embtune.losses.objective import View
from embtune.train.plan import TextPlan, plan_texts, row_groups
from embtune.train.rows import TextColumn, TrainingRows

ANCHOR, NEGATIVE = View("anchor"), View("negative_1")


def training_rows(lengths: list[int], anchors: list[int], negatives: list[int]) -> TrainingRows:
    """Texts of the given lengths; text t holds the token t+1 throughout, so that a text can be recognised."""
    texts = [np.full(length, number + 1, dtype=np.int32) for number, length in enumerate(lengths)]
    store = TokenStore.build([str(number) for number in range(len(texts))], lambda part: [texts[int(t)] for t in part])
    columns = {ANCHOR: TextColumn(store, np.array(anchors)), NEGATIVE: TextColumn(store, np.array(negatives))}
    return TrainingRows("toy", columns, None, len(anchors))


@st.composite
def datasets(draw: st.DrawFn) -> TrainingRows:
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    texts = st.integers(0, len(lengths) - 1)
    anchors = draw(st.lists(texts, min_size=1, max_size=20))
    negatives = [draw(st.one_of(texts, st.just(-1))) for _ in anchors]
    return training_rows(lengths, anchors, negatives)


def embedded_texts(data: TrainingRows, plan: TextPlan) -> dict[int, tuple[int, int]]:
    """Slot -> (view, text) as the micro-batches would fill it, by a plain loop."""
    filled: dict[int, tuple[int, int]] = {}
    for batch in plan.micro_batches:
        for slot, view, text in zip(batch.slots.tolist(), batch.view.tolist(), batch.text.tolist(), strict=True):
            assert slot not in filled, "a slot was filled twice"
            filled[slot] = (view, text)
    return filled


@given(datasets(), st.integers(1, 100), st.booleans())
def test_every_row_finds_its_own_text_in_the_table(data: TrainingRows, budget: int, share: bool) -> None:
    rows = np.arange(data.size)
    plan = plan_texts(data, rows, budget, share)
    filled = embedded_texts(data, plan)
    assert len(filled) == plan.table_rows["model"]
    for view in plan.views:
        for row, slot in zip(rows, plan.slot_of[view], strict=True):
            text = data.columns[view].text_of_row[row]
            assert slot == -1 if text == -1 else filled[int(slot)][1] == text


@given(datasets(), st.integers(1, 100))
def test_a_micro_batch_stays_within_the_budget_or_holds_one_text(data: TrainingRows, budget: int) -> None:
    plan = plan_texts(data, np.arange(data.size), budget, share_equal_texts=False)
    for batch in plan.micro_batches:
        lengths = [
            int(data.columns[plan.views[v]].store.lengths[t]) for v, t in zip(batch.view, batch.text, strict=True)
        ]
        assert batch.token_slots == max(lengths) * len(lengths)
        assert batch.token_slots <= budget or len(lengths) == 1


@given(datasets(), st.integers(1, 100))
def test_without_padding_the_budget_counts_tokens_and_is_used_up(data: TrainingRows, budget: int) -> None:
    plan = plan_texts(data, np.arange(data.size), budget, share_equal_texts=False, without_padding={"model"})
    lengths = [
        [int(data.columns[plan.views[v]].store.lengths[t]) for v, t in zip(batch.view, batch.text, strict=True)]
        for batch in plan.micro_batches
    ]
    assert sum(map(len, lengths)) == plan.table_rows["model"]
    for batch, tokens, following in zip(plan.micro_batches, lengths, [*lengths[1:], [budget]], strict=True):
        assert batch.token_slots == sum(tokens)
        assert batch.token_slots <= budget or len(tokens) == 1
        assert batch.token_slots + following[0] > budget


@given(datasets())
def test_equal_texts_share_a_slot_only_when_asked(data: TrainingRows) -> None:
    named = [int(t) for column in data.columns.values() for t in column.text_of_row if t >= 0]
    assert plan_texts(data, np.arange(data.size), 50, share_equal_texts=False).table_rows["model"] == len(named)
    assert plan_texts(data, np.arange(data.size), 50, share_equal_texts=True).table_rows["model"] == len(set(named))


def test_copies_of_a_role_are_embedded_apart_even_when_equal_texts_are_shared() -> None:
    data = training_rows([3, 4], [0, 1], [-1, -1])
    column = data.columns[ANCHOR]
    twice = TrainingRows("toy", {ANCHOR: column, View("anchor", copy=1): column}, None, 2)
    assert plan_texts(twice, np.arange(2), 50, share_equal_texts=True).table_rows["model"] == 4


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 120))
def test_row_groups_hold_every_row_once_within_the_limit(tokens: list[int], limit: int) -> None:
    rows = np.arange(len(tokens)) * 3
    groups = row_groups(rows, np.array(tokens), limit)
    assert sorted(np.concatenate(groups).tolist()) == rows.tolist()
    for group in groups:
        assert len(group) == 1 or sum(tokens[row // 3] for row in group) <= limit
