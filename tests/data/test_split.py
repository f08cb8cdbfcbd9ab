from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embtune.data.examples import Examples, load_examples
from embtune.data.roles import detect_layout
from embtune.data.rows import read_rows, sample_rows
from embtune.data.split import hold_out, row_groups
from embtune.errors import ConfigError


def pairs(ids: list[tuple[int, int]]) -> Examples:
    """Pairs of these texts."""
    array = np.array(ids, dtype=np.int32)
    texts = [str(i) for i in range(max(0, array.max()) + 1)]
    return Examples("demo", ("anchor", "negative_1"), texts, {"anchor": array[:, 0], "negative_1": array[:, 1]})


def slow_groups(ids: list[tuple[int, int]]) -> list[set[int]]:
    """The reference: merge rows until no two groups share a text."""
    groups = [({row}, {text for text in texts if text >= 0}) for row, texts in enumerate(ids)]
    merged: list[tuple[set[int], set[int]]] = []
    for rows, texts in groups:
        touching = [group for group in merged if group[1] & texts]
        merged = [group for group in merged if not group[1] & texts]
        merged.append((rows.union(*(g[0] for g in touching)), texts.union(*(g[1] for g in touching))))
    return [rows for rows, _ in merged]


PAIRS = st.lists(st.tuples(st.integers(0, 15), st.integers(-1, 15)), min_size=2, max_size=30)


@settings(deadline=None)
@given(PAIRS)
def test_groups_are_the_rows_connected_by_texts(ids: list[tuple[int, int]]) -> None:
    examples = pairs(ids)
    group = row_groups(examples.ids, len(examples.texts))
    found = [set(np.flatnonzero(group == number).tolist()) for number in range(group.max() + 1)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, slow_groups(ids)))


@settings(deadline=None)
@given(PAIRS, st.integers(1, 20), st.integers(0, 5))
def test_no_text_stands_on_both_sides_and_no_row_is_lost(ids: list[tuple[int, int]], rows: int, seed: int) -> None:
    examples = pairs(ids)
    try:
        train, held = hold_out(examples, rows, seed)
    except ConfigError:
        assert min(map(len, slow_groups(ids))) > rows or rows >= len(ids) or len(slow_groups(ids)) == 1
        return
    assert set(train.texts).isdisjoint(held.texts)
    assert len(train) + len(held) == len(ids)
    assert 0 < len(held) <= rows


def test_the_split_is_the_seeds() -> None:
    examples = pairs([(2 * i, 2 * i + 1) for i in range(100)])
    prints = [hold_out(examples, 20, seed)[1].fingerprint for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]


def test_rows_that_all_hang_together_cannot_be_split() -> None:
    with pytest.raises(ConfigError, match="up to 10 of them"):
        hold_out(pairs([(0, i) for i in range(1, 11)]), 3, 0)


def test_a_real_set_gives_exactly_the_rows_asked_for(shared_data: Path) -> None:
    path = str(shared_data / "pairs" / "medquad_train.jsonl.gz")
    examples = load_examples(read_rows(path), detect_layout(sample_rows(path)), "medquad")
    train, held = hold_out(examples, 500, 0, "dev")
    assert (len(train), len(held), held.name) == (len(examples) - 500, 500, "dev")
    assert set(train.texts).isdisjoint(held.texts)
