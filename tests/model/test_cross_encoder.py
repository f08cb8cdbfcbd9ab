from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import MINILM, TEXTS, save_scorer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from embtune.errors import ModelError
from embtune.model.cross_encoder import is_cross_encoder, load_cross_encoder, score_pairs

PAIRS = [(a, b) for a in TEXTS for b in TEXTS]
KINDS = ["bert", "roberta", "qwen3"]


@pytest.fixture(params=KINDS, scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(str(request.param))
    save_scorer(str(request.param), made)
    return made


def by_transformers(folder: Path) -> np.ndarray:
    """The scores of PAIRS one at a time, by nothing of embtune."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    # as lists: of a text beside an empty one alone, transformers makes one text
    inputs = [tokenizer([a], [b], truncation=True, return_tensors="pt") for a, b in PAIRS]
    with torch.no_grad():
        scores = [model(**each).logits.item() for each in inputs]
    return np.array(scores, dtype=np.float32)


@pytest.mark.parametrize("token_budget", [1, 100, 4096])
def test_scores_are_those_of_transformers_one_pair_at_a_time(folder: Path, token_budget: int) -> None:
    scores = score_pairs(load_cross_encoder(str(folder)), PAIRS, token_budget=token_budget)
    expected = by_transformers(folder)
    assert scores.dtype == np.float32
    assert np.ptp(expected) > 0.5  # scores that differ, so that a mixed-up order would show
    np.testing.assert_allclose(scores, expected, atol=2e-5, rtol=1e-4)


def test_pairs_are_scored_as_the_texts_stand_in_them(folder: Path) -> None:
    model = load_cross_encoder(str(folder))
    there, back = score_pairs(model, [(TEXTS[0], TEXTS[1]), (TEXTS[1], TEXTS[0])])
    assert abs(there - back) > 1e-3


def test_a_pair_that_is_too_long_is_cut_as_transformers_cuts_it(tmp_path: Path) -> None:
    save_scorer("bert", tmp_path)
    model = load_cross_encoder(str(tmp_path))
    long = (" ".join(TEXTS) * 3, TEXTS[0])
    whole = AutoTokenizer.from_pretrained(tmp_path)(*long, truncation=True)["input_ids"]
    assert model.tokenise([long])[0].ids == whole
    assert len(whole) == model.max_length == 62
    assert np.isfinite(score_pairs(model, [long])).all()


def test_a_generator_that_knows_no_padding_scores_pair_by_pair(tmp_path: Path) -> None:
    save_scorer("qwen3", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    expected = by_transformers(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | {"pad_token_id": None}))
    done: list[int] = []
    scores = score_pairs(load_cross_encoder(str(tmp_path)), PAIRS, progress=done.append)
    assert done == [1] * len(PAIRS)
    np.testing.assert_allclose(scores, expected, atol=2e-5, rtol=1e-4)


def test_no_pair_gives_no_score(folder: Path) -> None:
    assert score_pairs(load_cross_encoder(str(folder)), []).shape == (0,)


def test_what_a_folder_holds_is_told_from_its_config(folder: Path, tmp_path: Path) -> None:
    assert is_cross_encoder(str(folder))
    assert not is_cross_encoder(MINILM)
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "modules.json").write_text("[{}]")  # as sentence-transformers saves a cross-encoder
    assert is_cross_encoder(str(tmp_path))
    (tmp_path / "modules.json").write_text("[{}, {}]")  # the second pools: a sentence embedder
    assert not is_cross_encoder(str(tmp_path))


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="not-one-score"):
        load_cross_encoder(MINILM)


def test_a_classifier_of_three_is_refused_with_their_number(tmp_path: Path) -> None:
    save_scorer("bert", tmp_path, outputs=3)
    with pytest.raises(ModelError, match="would give 3 numbers"):
        load_cross_encoder(str(tmp_path))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    save_scorer("bert", tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled-weights"):
        load_cross_encoder(str(tmp_path))


def test_weights_that_lack_the_head_are_refused_and_not_made_up(tmp_path: Path) -> None:
    save_scorer("bert", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    model.bert.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="weights lack"):
        load_cross_encoder(str(tmp_path))
