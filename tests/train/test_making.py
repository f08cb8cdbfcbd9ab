"""Rows made of plain texts: as many as asked for, from every text once, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from engine import examples, scratch_model
from hypothesis import given
from hypothesis import strategies as st

from embtune.catalog.spec import LabelKind
from embtune.data.noise import NoiseSettings
from embtune.data.tokens import TokenStore
from embtune.losses.objective import MAIN_TOWER, TWIN_TOWER, Request, View
from embtune.train.making import NoisyTexts, SameOrDifferent
from embtune.train.rows import TextColumn, TrainingRows
from embtune.train.tokenise import RoleText, tokenise

LEFT, RIGHT = View("text", TWIN_TOWER), View("text", MAIN_TOWER)


def numbered(texts: list[int]) -> TrainingRows:
    """Rows whose text t is the token t."""
    store = TokenStore.build([str(t) for t in range(1000)], lambda part: [np.array([int(t)]) for t in part])
    column = TextColumn(store, np.array(texts))
    return TrainingRows("toy", {LEFT: column, RIGHT: column}, None, len(texts))


@given(st.integers(1, 2000))
def test_a_batch_of_pairs_is_made_of_the_texts_asked_for(rows: int) -> None:
    maker = SameOrDifferent()
    made = maker.make(numbered(list(range(1000)) * 4), np.arange(maker.texts_for(rows)) % 1000, seed=0)
    assert made.size == rows


@given(st.integers(1, 300))
def test_every_text_is_used_and_the_label_says_whether_they_are_equal(count: int) -> None:
    made = SameOrDifferent().make(numbered(list(range(300))), np.arange(count), seed=0)
    left, right = made.columns[LEFT].text_of_row, made.columns[RIGHT].text_of_row
    assert set(left) | set(right) == set(range(count))
    assert made.labels is not None
    assert made.labels.tolist() == (left == right).astype(float).tolist()


def test_one_pair_in_eight_is_of_a_text_with_itself() -> None:
    maker = SameOrDifferent()
    assert maker.texts_for(64) == 2 * 64 - 8
    made = maker.make(numbered(list(range(120))), np.arange(120), seed=0)
    assert made.labels is not None
    assert made.labels.sum() == 8


def test_equal_texts_that_meet_by_chance_are_labelled_equal() -> None:
    made = SameOrDifferent().make(numbered([5] * 15), np.arange(15), seed=0)
    assert made.labels is not None
    assert made.labels.tolist() == [1.0] * 8


def noisy(seed: int = 3, rows: tuple[int, ...] = (4, 0, 9)) -> tuple[TrainingRows, TrainingRows]:
    """Some rows before and after they are damaged."""
    model, data = scratch_model(), examples(("text",), LabelKind.NONE)
    request = Request((RIGHT,), targets=(View("text", MAIN_TOWER),))
    whole = tokenise(data, request, {MAIN_TOWER: model}, lambda role: RoleText(), lambda done: None)
    encode = model.tokenizer.encode
    maker = NoisyTexts(data.texts, data.text_ids["text"], NoiseSettings(), lambda part: encode(part, 64), "[MASK]")
    assert maker.texts_for(7) == 7
    return whole.select(np.array(rows)), maker.make(whole, np.array(rows), seed)


def ids(data: TrainingRows, view: View) -> list[list[int]]:
    column = data.columns[view]
    return [row.tolist() for row in column.store.gather(column.text_of_row)]


def test_damaged_texts_are_parts_of_their_originals_and_targets_stay_whole() -> None:
    before, after = noisy()
    assert before.targets.keys() == after.targets.keys()
    for view, column in after.targets.items():
        assert column.padded(np.arange(3)).tolist() == before.targets[view].padded(np.arange(3)).tolist()
    for whole, part in zip(ids(before, RIGHT), ids(after, RIGHT), strict=True):
        assert 2 < len(part) < len(whole)
        remaining = iter(whole)
        assert all(token in remaining for token in part)  # in order


def test_damage_depends_on_seed_and_row_alone() -> None:
    assert ids(noisy()[1], RIGHT) == ids(noisy()[1], RIGHT)
    assert ids(noisy(rows=(4,))[1], RIGHT) == ids(noisy()[1], RIGHT)[:1]
    assert ids(noisy(seed=4)[1], RIGHT) != ids(noisy()[1], RIGHT)


@pytest.mark.parametrize("rows", [[0], [2, 2, 1]])
def test_selected_rows_are_those_rows(rows: list[int]) -> None:
    data = numbered([7, 8, 9])
    assert data.select(np.array(rows)).columns[LEFT].text_of_row.tolist() == [[7, 8, 9][row] for row in rows]
