"""Texts gathered from several columns at once are those that a plain loop finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embtune.data.tokens import TokenStore
from embtune.train.gathering import gathered
from embtune.train.rows import TextColumn

LENGTHS = {0: (3, 0, 5, 1), 100: (2, 7)}


def columns(prompt: int = 0) -> list[TextColumn]:
    """Two stores; no token id is there twice."""
    first, second = (
        TextColumn(store_of(lengths, start), np.arange(len(lengths))) for start, lengths in LENGTHS.items()
    )
    return [first, replace(second, prompt_length=prompt)]


def store_of(lengths: tuple[int, ...], start: int) -> TokenStore:
    """Texts of these lengths; their ids count up from `start`."""
    ends = np.cumsum(lengths) + start
    texts = {str(n): np.arange(end - length, end) for n, (end, length) in enumerate(zip(ends, lengths, strict=True))}
    return TokenStore.build(list(texts), lambda part: [texts[text] for text in part])


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=20))
def test_texts_of_several_columns_stand_in_the_order_asked_for(asked: list[tuple[int, int]]) -> None:
    asked = [(column, text % (2 if column else 4)) for column, text in asked]
    made = columns()
    texts = gathered(made, np.array([column for column, _ in asked]), np.array([text for _, text in asked]))
    alone = [made[column].store.gather([text])[0] for column, text in asked]
    assert texts.lengths.tolist() == [len(ids) for ids in alone]
    assert texts.ids.tolist() == [int(token) for ids in alone for token in ids]
    assert texts.prompt_lengths is None


def test_each_text_knows_the_prompt_of_its_column() -> None:
    texts = gathered(columns(prompt=2), np.array([1, 0, 1]), np.array([0, 0, 1]))
    assert texts.prompt_lengths is not None
    assert texts.prompt_lengths.tolist() == [2, 0, 2]
