"""GISTEmbed with real models, loaded by embtune and by Sentence Transformers: one loss, one gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine import engine, sentences

from embtune.catalog.spec import LabelKind
from embtune.data.examples import Examples
from embtune.losses.objective import View, guide_tower
from embtune.model.frozen import frozen_vectors
from embtune.model.load import load_model
from embtune.train.rows import FrozenColumn

ROWS, ROLES, GUIDE = 8, ("anchor", "positive", "negative"), "the guide"
TEMPERATURE, MARGIN = 0.1, 0.003


@pytest.mark.parametrize("name", ["GISTEmbedLoss", "CachedGISTEmbedLoss"])
def test_models_of_both_give_one_loss_and_one_gradient(name: str, plain_folder: Callable[[str], Path]) -> None:
    st = pytest.importorskip("sentence_transformers", reason="needs the extra `parity`")
    from sentence_transformers.sentence_transformer import losses

    student, guide = plain_folder("bert"), plain_folder("distilbert")  # of one tokenizer: both read the same ids
    texts = sentences(ROWS * len(ROLES), seed=4)
    ids = {role: np.arange(ROWS, dtype=np.int32) + ROWS * place for place, role in enumerate(ROLES)}
    made = engine(
        name,
        Examples("toy", ROLES, texts, ids, None, LabelKind.NONE),
        model=load_model(str(student), dropout=0.0).train(),
        guide=GUIDE,
        temperature=TEMPERATURE,
        margin=MARGIN,
    )
    vectors = frozen_vectors(load_model(str(guide)), texts)
    frozen = {View(role, guide_tower(GUIDE)): FrozenColumn(vectors, rows) for role, rows in ids.items()}
    made.rows = replace(made.rows, frozen=frozen)
    value = made.step(budget=64, kept=0).loss

    theirs = st.SentenceTransformer(str(student), device="cpu").eval()
    judge = st.SentenceTransformer(str(guide), device="cpu").eval()
    loss = getattr(losses, name)(theirs, judge, temperature=TEMPERATURE, margin=MARGIN)
    wanted = loss([theirs.preprocess([texts[row] for row in ids[role]]) for role in ROLES], None)
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=2e-6)
    goals = {name: p.grad for name, p in theirs.named_parameters() if p.grad is not None}
    compared = 0
    for ours, gradient in made.gradients().items():
        found = [
            goal for theirs_name, goal in goals.items() if theirs_name.endswith(ours.partition("encoder.model.")[2])
        ]
        if found:
            torch.testing.assert_close(gradient, found[0], rtol=1e-4, atol=1e-5 * float(found[0].abs().max()) + 1e-7)
            compared += 1
    assert compared > 20
