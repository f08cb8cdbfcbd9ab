from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from small_models import TEXTS

from embtune.errors import ModelError
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.scratch_spec import ScratchKind, ScratchTokenizer, parse_scratch

DIGEST = """
import sys, hashlib
from embtune.model.load import load_model
texts = [f"text {i} of {i * i % 97} about {chr(97 + i % 26) * (i % 7)}ness" for i in range(500)]
for name in sys.argv[1:]:
    model = load_model(name, scratch_texts=lambda: texts, seed=3)
    weights = b"".join(parameter.detach().numpy().tobytes() for parameter in model.parameters())
    print(model.tokenizer.fingerprint(), hashlib.sha256(weights).hexdigest())
"""
NAMES = ["scratch:transformer?vocab=400&width=32", "scratch:static?vocab=400&width=16", "scratch:static?tokenizer=bpe"]


def test_a_name_is_read_with_its_defaults() -> None:
    spec = parse_scratch("scratch:")
    assert (spec.kind, spec.layers, spec.width, spec.heads, spec.vocab) == (ScratchKind.TRANSFORMER, 2, 128, 4, 8000)
    spec = parse_scratch("scratch:static?width=128&vocab=16000&tokenizer=bpe")
    assert (spec.kind, spec.width, spec.vocab, spec.tokenizer) == (ScratchKind.STATIC, 128, 16000, ScratchTokenizer.BPE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scratch:statik", "Did you mean scratch:static?"),
        ("scratch:lstm", "Kinds are transformer, static"),
        ("scratch:static?widht=3", "Did you mean width?"),
        ("scratch:static?colour=3", "Options are width, vocab, tokenizer"),
        ("scratch:static?layers=2", "has no option 'layers'"),
        ("scratch:static?width=-1", "not a whole number from 8 to 4096"),
        ("scratch:static?width=1e9", "not a whole number"),
        ("scratch:static?width=99999999999999999999", "not a whole number"),
        ("scratch:static?width=²", "not a whole number"),
        ("scratch:static?width", "not a whole number"),
        ("scratch:static?tokenizer=spm", "not one of wordpiece, bpe"),
        ("scratch:transformer?width=100&heads=3", "no multiple of heads=3"),
    ],
)
def test_a_name_that_cannot_be_read_says_why(name: str, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(name, scratch_texts=lambda: TEXTS)
    assert said in str(caught.value)


def test_all_wrong_options_are_told_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        parse_scratch("scratch:static?widht=3&vocab=x&tokenizer=y")
    assert len(caught.value.problems) == 3


def test_the_same_texts_and_seed_give_the_same_model_in_every_process() -> None:
    runs = {
        subprocess.run([sys.executable, "-c", DIGEST, *NAMES], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert len(runs.pop().splitlines()) == len(NAMES)


def test_another_seed_gives_other_weights_and_the_same_tokenizer() -> None:
    one, other = (load_model("scratch:", scratch_texts=lambda: TEXTS, seed=seed) for seed in (1, 2))
    assert one.tokenizer.fingerprint() == other.tokenizer.fingerprint()
    assert (encode_texts(one, TEXTS[:1]) != encode_texts(other, TEXTS[:1])).any()


def test_building_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_model("scratch:", scratch_texts=lambda: TEXTS)
    load_model("scratch:static", scratch_texts=lambda: TEXTS, dense=_Map())
    assert torch.equal(torch.rand(1), expected)


class _Map:
    out_features = 5
    activation = "tanh"


@pytest.mark.parametrize("name", NAMES)
def test_a_tokenizer_trained_on_the_texts_knows_all_of_their_words(name: str) -> None:
    tokenizer = load_model(name, scratch_texts=lambda: TEXTS).tokenizer
    unknown = tokenizer.backend.token_to_id("[UNK]")
    assert all(unknown not in ids for ids in tokenizer.encode(TEXTS, None))
    ids = tokenizer.encode(TEXTS[:1], None)[0].tolist()
    assert tokenizer.backend.decode(ids).strip().lower().startswith("a man is playing")


def test_a_transformer_takes_its_options() -> None:
    name = "scratch:transformer?layers=3&width=40&heads=5&vocab=100&length=16"
    model = load_model(name, scratch_texts=lambda: TEXTS, dropout=0.0, pooling="cls", normalize=True)
    assert (model.depth, model.embedding_dim, model.max_seq_length, model.has_dropout) == (3, 40, 16, False)
    assert max(len(ids) for ids in model.tokenizer.encode(TEXTS, model.max_seq_length)) == 16


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_no_text_to_learn_from(texts: list[str]) -> None:
    with pytest.raises(ModelError, match="needs texts"):
        load_model("scratch:", scratch_texts=lambda: texts)
    with pytest.raises(ModelError, match="made from training texts"):
        load_model("scratch:")
