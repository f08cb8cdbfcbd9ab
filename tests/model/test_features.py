"""Features made by whole arrays are those that a loop over texts makes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from embtune.model.features import FlatTexts, flat, packed, padded

PAD = 99
TOKENS = st.lists(st.lists(st.integers(0, 50), max_size=9), min_size=1, max_size=8)


def texts_of(tokens: list[list[int]]) -> FlatTexts:
    return FlatTexts.of([np.array(ids, dtype=np.int32) for ids in tokens])


@given(TOKENS)
def test_padded_rows_hold_the_texts_and_mask_the_rest(tokens: list[list[int]]) -> None:
    features = padded(texts_of(tokens), PAD)
    attended = [ids or [PAD] for ids in tokens]  # a text without a token attends to one of padding
    longest = max(map(len, attended))
    assert features.input_ids.tolist() == [ids + [PAD] * (longest - len(ids)) for ids in attended]
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in attended]
    if all(len(ids) == longest for ids in attended):
        assert features.attention_mask is None
    else:
        assert features.attention_mask is not None
        assert features.attention_mask.tolist() == mask
    assert (features.tokens, features.token_slots) == (sum(map(len, attended)), longest * len(tokens))


@given(TOKENS)
def test_flat_texts_lie_between_their_offsets(tokens: list[list[int]]) -> None:
    features = flat(texts_of(tokens))
    assert features.offsets is not None
    ends = features.offsets.tolist()
    assert [features.input_ids[a:b].tolist() for a, b in pairwise(ends)] == tokens
    assert features.token_slots == features.tokens == sum(map(len, tokens))


def test_prompts_of_no_length_are_no_prompts() -> None:
    ids = [np.array([1, 2, 3]), np.array([4])]
    assert FlatTexts.of(ids, [0, 0]).prompt_lengths is None
    prompts = padded(FlatTexts.of(ids, [2, 0]), PAD).prompt_lengths
    assert prompts is not None
    assert prompts.tolist() == [2, 0]


@given(TOKENS)
def test_map_reaches_every_tensor(tokens: list[list[int]]) -> None:
    texts = texts_of(tokens)
    prompted = FlatTexts(texts.ids, texts.lengths, np.ones_like(texts.lengths))
    for features in (padded(prompted, PAD), flat(prompted), packed(prompted, PAD, 0)):
        moved = vars(features.map(lambda tensor: tensor.to("meta")))
        assert [name for name, value in moved.items() if isinstance(value, Tensor) and not value.is_meta] == []
