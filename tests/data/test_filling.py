"""Stores that are filled while they are used."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

import numpy as np
import pytest
from character_tokens import Counting, texts, tokenised

from embtune.data.filling import CHUNK, FillingStore
from embtune.data.tokens import Tokenised, WholeStore

MANY = 3 * CHUNK + 7


class Waiting:
    """`tokenised` that holds back everything but single texts until it is let go."""

    def __init__(self) -> None:
        self.let_go = Event()

    def __call__(self, some: Sequence[str]) -> Tokenised:
        """See `tokenised`."""
        assert len(some) == 1 or self.let_go.wait(60)
        return tokenised(some)


def filled(count: int = MANY) -> WholeStore:
    return FillingStore(texts(count), tokenised).whole()


def test_a_store_that_is_filled_holds_what_the_tokenizer_says() -> None:
    expected = tokenised(texts(MANY))
    store = filled()
    assert store.ids.tolist() == expected.ids.tolist()
    assert store.lengths.tolist() == expected.lengths.tolist()
    assert store.truncated == expected.cut.sum()
    assert len(store) == MANY


def test_texts_can_be_read_while_all_others_are_waited_for() -> None:
    tokenise = Waiting()
    store = FillingStore(texts(MANY), tokenise)
    store.start()
    (ids,) = store.gather([MANY - 1])
    assert "".join(map(chr, ids)) == texts(MANY)[-1][:5]
    assert store.lengths_of([5]).tolist() == [1]
    assert not store.is_whole
    tokenise.let_go.set()
    assert store.whole().ids.tolist() == filled().ids.tolist()
    assert store.is_whole


def test_reading_in_any_order_beside_the_background_gives_every_text_its_own_ids() -> None:
    expected = filled()
    store = FillingStore(texts(MANY), tokenised)
    store.start()
    for rows in np.array_split(np.random.default_rng(0).permutation(MANY), 300):
        found, lengths = store.flat(rows)
        wanted, counts = expected.flat(rows)
        assert found.tolist() == wanted.tolist()
        assert lengths.tolist() == counts.tolist() == store.lengths_of(rows).tolist()
    assert store.whole().offsets.tolist() == expected.offsets.tolist()


def test_no_text_is_tokenised_twice_by_one_thread() -> None:
    tokenise = Counting()
    store = FillingStore(texts(MANY), tokenise)
    store.flat([3, 3, 9])
    store.flat([9, 4])
    store.whole()
    assert sorted(tokenise.asked) == sorted(texts(MANY))


def test_wide_ids_among_narrow_ones_widen_the_store() -> None:
    some = ["ab", *texts(CHUNK), "\U0001f600"]
    store = FillingStore(some, tokenised)
    assert store.gather([0])[0].tolist() == [97, 98]
    assert store.gather([CHUNK + 1])[0].tolist() == [0x1F600]
    assert store.whole().ids.dtype == np.uint32
    assert store.gather([0])[0].tolist() == [97, 98]


def test_what_is_made_of_the_whole_store_is_used_from_then_on() -> None:
    other = WholeStore(np.array([7, 8], dtype=np.uint16), np.array([0, 1, 2]))
    store = FillingStore(["a", "b"], tokenised, lambda whole: other)
    assert store.whole() is other
    assert store.flat([1])[0].tolist() == [8]


class BrokenError(Exception):
    """Something that no code of embtune raises."""


def broken(some: Sequence[str]) -> Tokenised:
    if len(some) > 1:  # as the background asks
        raise BrokenError("no tokens today")
    return tokenised(some)


def test_what_goes_wrong_in_the_background_is_raised_where_texts_are_asked_for() -> None:
    store = FillingStore(texts(MANY), broken)
    store.start()
    with pytest.raises(BrokenError, match="no tokens today"):
        store.whole()
    with pytest.raises(BrokenError, match="no tokens today"):
        store.flat([0])
    assert not store.is_whole


def test_an_empty_store_is_whole_and_gives_nothing() -> None:
    store = FillingStore([], tokenised)
    assert store.gather([]) == []
    assert len(store.whole()) == 0
