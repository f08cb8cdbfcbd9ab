from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_models import MINILM, TEXTS
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from embtune.model.load import load_model
from embtune.model.source import find_folder
from embtune.model.tokenizer import TextTokenizer

Folder = Callable[[str], Path]


@pytest.mark.parametrize("max_length", [None, 12, 3])
def test_ids_are_those_of_transformers(max_length: int | None) -> None:
    tokenizer = load_model(MINILM).tokenizer
    reference = AutoTokenizer.from_pretrained(find_folder(MINILM, None, False))
    reference.backend_tokenizer.no_truncation()
    expected = reference(TEXTS, truncation=max_length is not None, max_length=max_length)["input_ids"]
    found = tokenizer.encode(TEXTS, max_length)
    assert [ids.tolist() for ids in found] == expected
    assert {ids.dtype for ids in found} == {np.dtype(np.int32)}


def test_flat_ids_say_how_long_texts_are_and_which_were_cut() -> None:
    tokenizer = load_model(MINILM).tokenizer
    whole = [len(ids) for ids in tokenizer.encode(TEXTS, None)]
    ids, lengths, cut = tokenizer.encode_flat(TEXTS, 6)
    assert lengths.tolist() == [min(length, 6) for length in whole]
    assert cut.tolist() == [length > 6 for length in whole]
    assert ids.tolist() == [token for row in tokenizer.encode(TEXTS, 6) for token in row.tolist()]
    assert whole[-1] == tokenizer.special_count == 2  # the empty text
    assert not tokenizer.encode_flat(TEXTS, None)[2].any()


@pytest.mark.parametrize("ends", ["[CLS] $A [SEP]", "[CLS] [CLS] $A", "$A [SEP]", "$A"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("max_length", [2, 3, 7])
def test_texts_are_cut_as_the_library_cuts_them(ends: str, side: str, max_length: int) -> None:
    pretrained = AutoTokenizer.from_pretrained(find_folder(MINILM, None, False), truncation_side=side)
    backend = pretrained.backend_tokenizer
    specials = [(token, backend.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    backend.post_processor = TemplateProcessing(single=ends, pair=f"{ends} $B", special_tokens=specials)
    backend.no_padding()
    backend.enable_truncation(max_length, direction=side)
    expected = [encoding.ids for encoding in backend.encode_batch(TEXTS)]
    found = TextTokenizer(backend, True, pretrained).encode(TEXTS, max_length)
    assert [ids.tolist() for ids in found] == expected


def test_threads_that_encode_at_once_get_what_they_asked_for() -> None:
    tokenizer = load_model(MINILM).tokenizer
    expected = {limit: tokenizer.encode_flat(TEXTS, limit)[0].tolist() for limit in (3, 8, None)}
    with ThreadPoolExecutor(3) as pool:
        found = list(
            pool.map(lambda limit: (limit, tokenizer.encode_flat(TEXTS, limit)[0].tolist()), [3, 8, None] * 50)
        )
    assert all(ids == expected[limit] for limit, ids in found)


def test_a_prompt_counts_the_special_tokens_before_it_and_not_those_after() -> None:
    tokenizer = load_model(MINILM).tokenizer
    assert tokenizer.prompt_length("what is the") == 4  # [CLS] what is the
    assert tokenizer.prompt_length("") == 0


def test_a_static_model_takes_no_special_tokens() -> None:
    tokenizer = load_model("scratch:static", scratch_texts=lambda: TEXTS).tokenizer
    assert tokenizer.encode([""], None)[0].tolist() == []
    assert tokenizer.special_count == 0
    assert tokenizer.prompt_length("a man") == 2


def test_the_fingerprint_does_not_depend_on_what_was_encoded_before(plain_folder: Folder) -> None:
    tokenizer = load_model(str(plain_folder("bert"))).tokenizer
    before = tokenizer.fingerprint()
    tokenizer.encode(TEXTS, 7)
    assert tokenizer.fingerprint() == before
    other = load_model("scratch:?vocab=100", scratch_texts=lambda: TEXTS).tokenizer
    assert other.fingerprint() != before


def test_texts_are_cut_on_the_side_the_tokenizer_says(plain_folder: Folder) -> None:
    tokenizer = load_model(str(plain_folder("bert"))).tokenizer
    assert tokenizer.pretrained is not None
    (whole,) = tokenizer.encode(["a man is playing a guitar"], None)
    tokenizer.pretrained.truncation_side = "left"
    (cut,) = tokenizer.encode(["a man is playing a guitar"], 4)
    assert cut.tolist() == [whole[0], *whole[-3:]]
