"""The step: how it is cut to fit a machine never changes what comes out."""

from __future__ import annotations

import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.config.words import Precision
from embtune.train import embed
from embtune.train.seeds import drawing_from

PAIRS = (("anchor", "positive"), LabelKind.NONE)
TRIPLETS = (("anchor", "positive", "negative"), LabelKind.NONE)
SCORED = (("sentence_A", "sentence_B"), LabelKind.SCORE)
BINARY = (("sentence_A", "sentence_B"), LabelKind.BINARY)
CLASSES = (("sentence_A", "sentence_B"), LabelKind.CLASS)
LOSSES = {
    "MultipleNegativesRankingLoss": TRIPLETS,
    "MultipleNegativesSymmetricRankingLoss": PAIRS,
    "CoSENTLoss": SCORED,
    "CosineSimilarityLoss": SCORED,
    "TripletLoss": TRIPLETS,
    "SoftmaxLoss": CLASSES,
    "ContrastiveLoss": BINARY,
}
MODIFIERS: dict[str, dict[str, dict[str, object]]] = {
    "plain": {},
    "matryoshka": {"MatryoshkaLoss": {"dims": [32, 16, 8]}},
}
KINDS = {"transformer": "transformer?layers=2&width=32&heads=2", "static": "static?width=32"}


def largest_difference(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """Over all gradients, in units of the largest component of any."""
    assert left.keys() == right.keys()
    scale = max(float(gradient.abs().max()) for gradient in left.values())
    return max(float((left[name] - right[name]).abs().max()) for name in left) / scale


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("modifier", list(MODIFIERS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_recomputed_graphs_give_the_gradients_of_kept_ones_with_dropout_on(loss: str, modifier: str, kind: str) -> None:
    made = engine(loss, examples(*LOSSES[loss]), model=scratch_model(KINDS[kind]), modifiers=MODIFIERS[modifier])
    kept = made.step(budget=64)
    kept_gradients = made.gradients()
    recomputed = made.step(budget=64, kept=0)
    assert recomputed.terms == kept.terms
    assert largest_difference(made.gradients(), kept_gradients) == 0
    assert all(float(gradient.abs().max()) > 0 for gradient in kept_gradients.values() if gradient.dim() > 1)


def test_graphs_kept_in_part_give_the_same_gradients_and_are_not_recomputed() -> None:
    made = engine("mnrl", examples(*PAIRS))
    whole = made.step(budget=64)
    whole_gradients = made.gradients()
    partly = made.step(budget=64, kept=whole.token_slots // 2)
    assert 0 < partly.recomputed < partly.micro_batches
    assert largest_difference(made.gradients(), whole_gradients) == 0


def test_without_replay_of_the_draws_the_recomputed_gradient_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the tests above would miss if dropout were off or ignored."""
    made = engine("mnrl", examples(*PAIRS))
    made.step(budget=64)
    right = made.gradients()
    calls = iter(range(10_000))
    monkeypatch.setattr(embed, "drawing_from", lambda seed, *rest: drawing_from(seed + next(calls), *rest))
    made.step(budget=64, kept=0)
    assert largest_difference(made.gradients(), right) > 1e-2


@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_micro_batch_budget_changes_rounding_only(loss: str) -> None:
    made = engine(loss, examples(*LOSSES[loss]), model=scratch_model(dropout=0.0))
    reference = made.step(budget=16384)
    gradients = made.gradients()
    for budget in (1, 100, 512):
        outcome = made.step(budget=budget)
        assert outcome.loss == pytest.approx(reference.loss, rel=1e-5)
        assert largest_difference(made.gradients(), gradients) <= 2e-5


@pytest.mark.parametrize("loss", ["CosineSimilarityLoss", "TripletLoss", "SoftmaxLoss", "ContrastiveLoss"])
@pytest.mark.parametrize("modifier", list(MODIFIERS))
def test_rows_that_do_not_interact_may_go_through_in_groups(loss: str, modifier: str) -> None:
    made = engine(loss, examples(*LOSSES[loss]), model=scratch_model(dropout=0.0), modifiers=MODIFIERS[modifier])
    whole = made.step()
    gradients = made.gradients()
    grouped = made.step(group=150, kept=0)
    assert grouped.micro_batches > whole.micro_batches
    assert grouped.recomputed == 0
    assert grouped.loss == pytest.approx(whole.loss, rel=1e-5)
    assert largest_difference(made.gradients(), gradients) <= 2e-5


def test_the_step_equals_one_plain_backward_pass_over_everything() -> None:
    """The oracle: embed all texts in one padded batch, score, and let autograd do the rest."""
    made = engine("mnrl", examples(*TRIPLETS), model=scratch_model(dropout=0.0))
    outcome = made.step(budget=100, kept=0, block=5)
    gradients = made.gradients()
    loss = _plain_ranking_loss(made)
    made.trainables.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    assert outcome.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert largest_difference(made.gradients(), gradients) <= 2e-5


def _plain_ranking_loss(made: Engine) -> Tensor:
    columns = []
    for column in made.rows.columns.values():
        features = made.model.collate(column.store.gather(column.text_of_row))
        columns.append(torch.nn.functional.normalize(made.model(features)[-1]))
    anchors, documents = columns[0], torch.cat(columns[1:])
    return torch.nn.functional.cross_entropy(20.0 * anchors @ documents.T, torch.arange(len(anchors)))


def test_rows_without_a_negative_are_scored_without_one() -> None:
    ragged = examples(("anchor", "positive", "negative_1", "negative_2"), LabelKind.NONE, ragged=True)
    made = engine("mnrl", ragged, model=scratch_model(dropout=0.0))
    kept = made.step()
    gradients = made.gradients()
    outcome = made.step(kept=0, budget=64, block=3)
    assert outcome.loss == pytest.approx(kept.loss, rel=1e-5)
    assert largest_difference(made.gradients(), gradients) <= 2e-5


def test_equal_texts_are_embedded_once_only_where_no_dropout_tells_them_apart() -> None:
    data = examples(*PAIRS)
    data.text_ids["positive"][:] = data.text_ids["anchor"]
    exact = engine("mnrl", data, model=scratch_model(dropout=0.0)).step()
    dropped = engine("mnrl", data, model=scratch_model(dropout=0.1)).step()
    assert 2 * exact.tokens == dropped.tokens


def test_sorting_leaves_little_padding() -> None:
    outcome = engine("mnrl", examples(*PAIRS, size=200)).step(budget=512)
    assert outcome.token_slots / outcome.tokens < 1.05


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP16])
def test_mixed_precision_follows_float32(precision: Precision) -> None:
    model = scratch_model(dropout=0.0)
    exact = engine("mnrl", examples(*PAIRS), model=model)
    exact.step()
    gradients = exact.gradients()
    mixed = engine("mnrl", examples(*PAIRS), model=model, precision=precision)
    mixed.step(kept=0)
    scale = 65536.0 if precision is Precision.FP16 else 1.0  # the scaler's first factor
    flat = torch.cat([gradient.flatten() / scale for gradient in mixed.gradients().values()])
    cosine = torch.nn.functional.cosine_similarity(
        flat, torch.cat([gradient.flatten() for gradient in gradients.values()]), dim=0
    )
    assert float(cosine) > 0.99
    assert float(flat.norm()) == pytest.approx(
        float(torch.cat([g.flatten() for g in gradients.values()]).norm()), rel=0.05
    )
