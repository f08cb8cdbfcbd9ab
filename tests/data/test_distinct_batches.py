from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.data.distinct_batches import cut_without_duplicates
from embtune.data.examples import load_examples
from embtune.data.roles import detect_layout
from embtune.data.rows import read_rows, sample_rows


def cut(ids: list[list[int]], batch_size: int) -> list[list[int]]:
    """All rows in order, as batches."""
    array = np.array(ids, dtype=np.int32)
    batches = cut_without_duplicates(np.arange(len(ids)), array, int(array.max()) + 1, batch_size)
    return [batch.tolist() for batch in batches]


def first_fit(ids: list[list[int]], batch_size: int) -> list[list[int]]:
    """The slow reference: each row into the first batch with room and none of its texts."""
    batches: list[list[int]] = []
    for row, texts in enumerate(ids):
        open_batches = [batch for batch in batches if len(batch) < batch_size]
        fitting = [batch for batch in open_batches if all({*texts, -1}.isdisjoint({*ids[i]} - {-1}) for i in batch)]
        if fitting:
            fitting[0].append(row)
        else:
            batches.append([row])
    return batches


def test_a_duplicate_waits_for_the_next_batch() -> None:
    assert cut([[0, 1], [2, 3], [0, 4], [5, 6], [7, 3]], 2) == [[0, 1], [2, 3], [4]]


def test_a_text_that_its_own_row_holds_twice_is_no_duplicate() -> None:
    assert cut([[0, 0], [1, 1]], 2) == [[0, 1]]


def test_absent_texts_are_not_equal() -> None:
    assert cut([[0, -1], [1, -1]], 2) == [[0, 1]]


def test_one_text_in_every_row_makes_batches_of_one_row() -> None:
    assert cut([[0, 1], [0, 2], [3, 0]], 64) == [[0], [1], [2]]


def test_no_rows_make_no_batch() -> None:
    assert cut_without_duplicates(np.arange(0), np.zeros((3, 2), dtype=np.int32), 1, 4) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8)).map(list), min_size=1, max_size=40), st.integers(1, 8))
def test_with_one_text_a_row_the_batches_are_those_of_first_fit(ids: list[list[int]], batch_size: int) -> None:
    assert cut(ids, batch_size) == first_fit(ids, batch_size)


@pytest.mark.parametrize("name", ["nli/nli_triplets_train", "pairs/medquad_train", "pairs/tatoeba_paraphrase_train"])
@pytest.mark.parametrize("batch_size", [64, 512])
def test_real_data_needs_hardly_more_batches_than_its_rows(shared_data: Path, name: str, batch_size: int) -> None:
    path = str(shared_data / f"{name}.jsonl.gz")
    examples = load_examples(read_rows(path), detect_layout(sample_rows(path)), "demo")
    rows = np.random.default_rng(0).permutation(len(examples))
    batches = cut_without_duplicates(rows, examples.ids, len(examples.texts), batch_size)
    assert len(batches) <= -(-len(examples) // batch_size) + 2
