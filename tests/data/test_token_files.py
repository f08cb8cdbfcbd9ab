"""Stores in files: whole or not there."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from character_tokens import texts, tokenised
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.data.filling import FillingStore
from embtune.data.token_files import DamagedError, read_store, write_store
from embtune.data.tokens import WholeStore


def made(words: list[str]) -> WholeStore:
    return FillingStore(words, tokenised).whole()


def written(folder: Path) -> Path:
    write_store(folder / "key.tokens", made(texts(50)))
    return folder / "key.tokens"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=8), max_size=20))
def test_a_store_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path, store = tmp_path_factory.getbasetemp() / "back.tokens", made(words)
    write_store(path, store)
    back = read_store(path)
    assert back is not None
    assert (back.ids.dtype, back.truncated) == (store.ids.dtype, store.truncated)
    assert back.ids.tolist() == store.ids.tolist()
    assert back.offsets.tolist() == store.offsets.tolist()
    assert back.flat(np.arange(len(words)))[0].tolist() == store.flat(np.arange(len(words)))[0].tolist()


def test_what_is_not_there_is_no_store_and_no_error(tmp_path: Path) -> None:
    assert read_store(tmp_path / "none.tokens") is None


def test_a_mapped_store_cannot_be_written_to(tmp_path: Path) -> None:
    store = read_store(written(tmp_path))
    assert store is not None
    with pytest.raises(ValueError, match="read-only"):
        store.ids[0] = 1


@pytest.mark.parametrize("place", [2, 30, 4095, 4096, 4200, -1], ids=str)
def test_one_changed_byte_anywhere_is_noticed(tmp_path: Path, place: int) -> None:
    path = written(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DamagedError):
        read_store(path)


@pytest.mark.parametrize(
    ("size", "reason"),
    [(0, "is empty"), (1, "header"), (60, "header"), (4096, "should have"), (4300, "should have"), (-1, "should have")],
    ids=str,
)
def test_a_file_that_is_cut_short_is_noticed_and_said_to_be(tmp_path: Path, size: int, reason: str) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DamagedError, match=reason):
        read_store(path)


def test_a_count_that_lies_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path)
    raw = path.read_bytes()
    header = json.loads(raw[:4096])
    path.write_bytes(json.dumps(header | {"truncated": 0}).encode().ljust(4096) + raw[4096:])
    with pytest.raises(DamagedError, match="checksum"):
        read_store(path)


def test_writing_leaves_nothing_but_the_store(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_removed_when_it_is_old_and_never_read(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".key.tokens.1.writing", tmp_path / ".key.tokens.2.writing"
    for left in (old, fresh):
        left.write_bytes(b"half a sto")
    os.utime(old, (time.time() - 90_000,) * 2)
    assert read_store(tmp_path / "key.tokens") is None
    path = written(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([fresh, path])


def test_a_writer_that_fails_leaves_the_store_that_was_there(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(KeyError):
        write_store(path, WholeStore(np.zeros(3, dtype=np.uint64), np.array([0, 3])))  # a type that no file has
    assert list(tmp_path.iterdir()) == [path]
    assert read_store(path) is not None


def test_a_reader_keeps_what_it_mapped_when_the_store_is_written_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = read_store(path)
    write_store(path, made(["other"]))
    assert before is not None
    assert before.ids.tolist() == made(texts(50)).ids.tolist()
