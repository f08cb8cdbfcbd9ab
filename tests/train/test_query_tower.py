"""Two models in one step: queries by one, documents by the other, for objectives that know of one."""

from __future__ import annotations

import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from torch import Tensor

from embtune.catalog.spec import Coupling, LabelKind
from embtune.losses.objective import View
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.queries import add_queries
from embtune.train import embed
from embtune.train.seeds import drawing_from

TRANSFORMER = "transformer?layers=2&width=32&heads=2"
TRIPLETS = (("anchor", "positive", "negative"), LabelKind.NONE)
PAIRS = (("anchor", "positive"), LabelKind.NONE)


def two_models(queries: str = TRANSFORMER, dropout: float = 0.1) -> TextEmbedder:
    """A transformer for documents and another model, with other weights and another vocabulary, for queries."""
    model = scratch_model(dropout=dropout)
    words = [f"{number} cat sat on an old mat by the river" for number in range(50)]
    add_queries(model, load_model(f"scratch:{queries}", dropout=dropout, scratch_texts=lambda: words, seed=8))
    return model.train()


def largest_difference(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """Of any gradient component, in units of the largest of all."""
    assert left.keys() == right.keys()
    scale = max(float(gradient.abs().max()) for gradient in left.values())
    return max(float((left[name] - right[name]).abs().max()) for name in left) / scale


def plain_gradients(made: Engine) -> dict[str, Tensor]:
    """Of one backward pass through both models, each given its texts by hand; without dropout."""
    queries = made.model.queries
    assert queries is not None
    views = {}
    for view, column in made.rows.columns.items():
        embedder = queries if view.role == "anchor" else made.model
        features = embedder.collate(column.store.gather(column.text_of_row))
        views[view.role] = torch.nn.functional.normalize(embedder(features)[-1])
    made.trainables.zero_grad(set_to_none=True)
    scores = 20.0 * views["anchor"] @ views["positive"].T
    torch.nn.functional.cross_entropy(scores, torch.arange(len(scores))).backward()  # type: ignore[no-untyped-call]
    return made.gradients()


@pytest.mark.parametrize("loss", ["mnrl", "TripletLoss"])
@pytest.mark.parametrize("queries", [TRANSFORMER, "static?width=32"])
def test_recomputed_gradients_are_the_kept_ones(loss: str, queries: str) -> None:
    made = engine(loss, examples(*TRIPLETS), model=two_models(queries))
    made.step(budget=64)
    kept = made.gradients()
    outcome = made.step(budget=64, kept=0)
    assert largest_difference(made.gradients(), kept) <= 1e-6
    assert outcome.recomputed == (outcome.micro_batches if made.objective.coupling is Coupling.BATCH else 0)
    of_queries = [gradient for name, gradient in kept.items() if ".queries." in name]
    assert of_queries
    assert len(of_queries) < len(kept)
    assert all(float(gradient.abs().max()) > 0 for gradient in of_queries)


def test_without_replay_of_dropout_the_recomputed_gradient_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine("mnrl", examples(*TRIPLETS), model=two_models())
    made.step(budget=64)
    right = made.gradients()
    calls = iter(range(10_000))
    monkeypatch.setattr(embed, "drawing_from", lambda seed, *rest: drawing_from(seed + next(calls), *rest))
    made.step(budget=64, kept=0)
    assert largest_difference(made.gradients(), right) > 1e-2


@pytest.mark.parametrize("queries", [TRANSFORMER, "static?width=32"])
def test_the_step_equals_one_plain_backward_pass(queries: str) -> None:
    made = engine("mnrl", examples(*PAIRS), model=two_models(queries, dropout=0.0))
    made.step(budget=100, kept=0, block=5)
    gradients = made.gradients()
    assert largest_difference(plain_gradients(made), gradients) <= 2e-5


def test_texts_that_queries_and_documents_share_are_embedded_by_each() -> None:
    data = examples(*PAIRS)
    data.text_ids["positive"][:] = data.text_ids["anchor"]
    made = engine("mnrl", data, model=two_models(dropout=0.0))
    made.step(kept=0)
    gradients = made.gradients()
    assert largest_difference(plain_gradients(made), gradients) <= 2e-5


def test_each_text_is_tokenised_by_what_embeds_it() -> None:
    made = engine("mnrl", examples(*PAIRS), model=two_models())
    queries = made.model.queries
    assert queries is not None
    for role, embedder in (("anchor", queries), ("positive", made.model)):
        column = made.rows.columns[View(role)]
        text = examples(*PAIRS).texts[examples(*PAIRS).text_ids[role][3]]
        (ids,) = column.store.gather(column.text_of_row[3:4])
        assert ids.tolist() == embedder.tokenizer.encode([text], None)[0].tolist()
        assert made.rows.tower_of(View(role)) == ("query" if role == "anchor" else "model")


def test_modifiers_change_the_embeddings_of_both() -> None:
    made = engine("mnrl", examples(*PAIRS), model=two_models(), modifiers={"AdaptiveLayerLoss": {}})
    made.step(budget=64)
    kept = made.gradients()
    made.step(budget=64, kept=0)
    assert largest_difference(made.gradients(), kept) <= 1e-6
