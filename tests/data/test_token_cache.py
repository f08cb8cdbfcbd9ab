"""Stores that are found again: by everything that decides their ids, and by nothing else."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from character_tokens import Counting, texts, tokenised

from embtune.data.filling import FillingStore
from embtune.data.token_cache import TokenCache, store_key

DECIDED: list[object] = ["tokenizer", "query: ", 64]


def files(folder: Path) -> list[Path]:
    return sorted((folder / "tokens").iterdir())


@pytest.mark.parametrize("count", [0, 5, 5000], ids=str)
def test_the_second_time_nothing_is_tokenised(tmp_path: Path, count: int) -> None:
    first = TokenCache(tmp_path).store(texts(count), tokenised, DECIDED).whole()
    again, cache = Counting(), TokenCache(tmp_path)
    second = cache.store(texts(count), again, DECIDED)
    assert second.is_whole
    assert again.asked == []
    assert second.whole().ids.tolist() == first.ids.tolist()
    assert second.whole().truncated == first.truncated
    assert cache.notes == []


def test_ids_are_equal_with_a_cache_and_without(tmp_path: Path) -> None:
    kept = TokenCache(tmp_path).store(texts(5000), tokenised, DECIDED)
    free = TokenCache().store(texts(5000), tokenised, DECIDED)
    expected = FillingStore(texts(5000), tokenised).whole()
    for store in (kept, free):
        assert store.whole().ids.tolist() == expected.ids.tolist()
        assert store.whole().offsets.tolist() == expected.offsets.tolist()


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    TokenCache().store(texts(5), tokenised, DECIDED)
    assert list(tmp_path.iterdir()) == []


def test_another_tokenizer_prompt_length_or_text_is_another_store() -> None:
    words = ["a", "bc", "d"]
    others: list[tuple[list[str], list[object]]] = [
        (words, ["other", "query: ", 64]),
        (words, ["tokenizer", "", 64]),
        (words, ["tokenizer", "query: ", 63]),
        (words, ["tokenizer", "query: ", None]),
        (["ab", "c", "d"], DECIDED),  # the same characters, parted in another place
        (["a", "bc"], DECIDED),
        (["bc", "a", "d"], DECIDED),
        (["a", "bc", "d", ""], DECIDED),
        (["a", "bc", "D"], DECIDED),
    ]
    keys = [store_key(words, DECIDED), *(store_key(*other) for other in others)]
    assert len(set(keys)) == len(keys)
    assert store_key(list(words), list(DECIDED)) == keys[0]


@pytest.mark.parametrize("damage", ["changed", "cut short", "empty", "a folder"])
def test_a_damaged_store_is_made_again_and_said_to_be(tmp_path: Path, damage: str) -> None:
    expected = TokenCache(tmp_path).store(texts(9), tokenised, DECIDED).whole().ids.tolist()
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    else:
        path.write_bytes({"changed": whole[:-1] + b"\xff", "cut short": whole[:-3], "empty": b""}[damage])
    cache, again = TokenCache(tmp_path), Counting()
    assert cache.store(texts(9), again, DECIDED).whole().ids.tolist() == expected
    assert again.asked == texts(9)
    assert str(path) in cache.notes[0]
    if damage != "a folder":
        assert "is damaged" in cache.notes[0]
        assert path.read_bytes() == whole


def test_where_nothing_can_be_written_the_store_stays_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = TokenCache(tmp_path / "file")
    store = cache.store(texts(9), tokenised, DECIDED)
    assert store.whole().ids.tolist() == FillingStore(texts(9), tokenised).whole().ids.tolist()
    assert "Not a directory" in cache.notes[-1]


def _write_often(folder: Path, seed: int) -> None:
    """One process of several: makes, or finds, the same store many times over."""
    expected = FillingStore(texts(300), tokenised).whole()
    rng = np.random.default_rng(seed)
    for _ in range(25):
        if rng.random() < 0.3:
            for path in (folder / "tokens").glob("*.tokens"):
                path.unlink(missing_ok=True)
        cache = TokenCache(folder)
        store = cache.store(texts(300), tokenised, DECIDED).whole()
        assert np.array_equal(store.ids, expected.ids)
        assert cache.notes == [], cache.notes


def test_processes_that_write_one_store_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    TokenCache(tmp_path).store(texts(300), tokenised, DECIDED)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_often, args=(tmp_path, seed)) for seed in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(files(tmp_path)) <= 1  # one may have been removed last
