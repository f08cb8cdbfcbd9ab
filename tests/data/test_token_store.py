from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.data.tokens import TokenStore


def encode(texts: Sequence[str]) -> list[np.ndarray]:
    """A real little tokenizer: a token a character, five at most."""
    return [np.array([ord(character) for character in text[:5]], dtype=np.int32) for text in texts]


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), max_size=20), st.data())
def test_gathered_ids_are_the_encoders(texts: list[str], data: st.DataObject) -> None:
    store = TokenStore.build(texts, encode)
    wanted = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9)) if texts else []
    expected = encode([texts[i] for i in wanted])
    found = store.gather(np.array(wanted, dtype=np.int64))
    assert [ids.tolist() for ids in found] == [ids.tolist() for ids in expected]
    assert all(ids.dtype == np.int32 for ids in found)
    assert store.lengths.tolist() == [min(len(text), 5) for text in texts]
    assert len(store) == len(texts)


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=20), st.data())
def test_flat_ids_are_the_gathered_ids_one_behind_the_other(texts: list[str], data: st.DataObject) -> None:
    store = TokenStore.build(texts, encode)
    wanted = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9)), dtype=np.int64)
    flat, counts = store.flat(wanted)
    one_by_one = store.gather(wanted)
    assert flat.tolist() == [token for ids in one_by_one for token in ids.tolist()]
    assert counts.tolist() == [len(ids) for ids in one_by_one]
    assert (flat.dtype.name, counts.dtype.name) == ("int32", "int64")


def test_ids_take_two_bytes_until_one_needs_four() -> None:
    assert TokenStore.build(["\uffff"], encode).ids.dtype == np.uint16
    assert TokenStore.build([], encode).ids.dtype == np.uint16
    mixed = TokenStore.build(["a"] * 3000 + ["😀"], encode)
    assert mixed.ids.dtype == np.uint32
    assert [mixed.gather([i])[0].tolist() for i in (0, 3000)] == [[97], [0x1F600]]
