"""Texts on the disk: each once, in their order, found again by what they say."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embtune.data import distinct_texts as module
from embtune.data.distinct_texts import distinct_texts, identities, identity


def first_spellings(texts: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(" ".join(text.split()).casefold(), text)
    return list(found.values())


@given(st.lists(st.text(alphabet="aAbß \u00a0\n\u4e2d", max_size=4), max_size=30), st.integers(1, 5))
def test_each_text_is_kept_once_in_its_order_however_they_come(texts: list[str], together: int) -> None:
    with pytest.MonkeyPatch.context() as patch, distinct_texts(Path(tempfile.gettempdir())) as kept:
        patch.setattr(module, "_ADDED_AT_ONCE", together)
        kept.extend(texts[: len(texts) // 2])
        kept.extend(texts[len(texts) // 2 :])
        expected = first_spellings(texts)
        assert kept[:] == expected
        assert [kept[place] for place in range(len(kept))] == expected
        by_said = [" ".join(text.split()).casefold() for text in expected]
        sought = [by_said.index(" ".join(text.split()).casefold()) for text in texts]
        assert kept.positions(identities(texts)).tolist() == sought


def test_a_text_that_is_not_there_has_no_position(tmp_path: Path) -> None:
    with distinct_texts(tmp_path) as kept:
        assert kept.positions(identities(["one"])).tolist() == [-1]
        kept.extend(["one", "two"])
        assert kept.positions(identities(["three", "two", "ONE "])).tolist() == [-1, 1, 0]


def test_case_and_white_space_say_nothing_and_letters_do() -> None:
    assert identity(" A  b\n") == identity("a B")
    assert identity("ab") != identity("a b")
    assert identity("a") != identity("á")


def test_texts_are_read_by_number_and_slice_as_a_list_is(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(9)]
    with distinct_texts(tmp_path) as kept:
        kept.extend(texts)
        assert (kept[-1], kept[2:5], kept[7:20], len(kept)) == (texts[-1], texts[2:5], texts[7:], 9)
        with pytest.raises(IndexError):
            kept[9]
        kept.extend(["more"])  # reading and adding by turns
        assert kept[8:] == ["text 8", "more"]


def test_nothing_is_left_on_the_disk(tmp_path: Path) -> None:
    with distinct_texts(tmp_path / "cache") as kept:
        kept.extend(["one"])
    assert list((tmp_path / "cache").iterdir()) == []
