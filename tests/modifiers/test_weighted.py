from __future__ import annotations

import torch
from objectives import batch_of, built, scored

from embtune.catalog.spec import Coupling
from embtune.losses.objective import View
from embtune.modifiers.weighted import WeightedSum

PAIR = ("sentence_A", "sentence_B")
COLUMNS = {role: torch.randn(4, 4, generator=torch.Generator().manual_seed(1)) for role in PAIR}
BATCH = batch_of(COLUMNS, torch.tensor([0.1, 0.8, 0.3, 0.3]))


def test_terms_and_gradients_are_those_of_the_losses_by_weight() -> None:
    cosent, cosine = built("CoSENTLoss"), built("CosineSimilarityLoss")
    found = scored(WeightedSum([(cosent, 0.5), (cosine, 3.0)]), BATCH)
    first, second = scored(cosent, BATCH), scored(cosine, BATCH)
    torch.testing.assert_close(found.terms["cosent"], 0.5 * first.terms["cosent"])
    torch.testing.assert_close(found.terms["cosine_similarity"], 3 * second.terms["cosine_similarity"])
    for role in PAIR:
        wanted = 0.5 * first.gradients[role] + 3 * second.gradients[role]
        torch.testing.assert_close(found.gradients[role], wanted)


def test_terms_of_one_name_are_told_apart_by_place() -> None:
    losses = [built("CoSENTLoss"), built("CosineSimilarityLoss"), built("CoSENTLoss", scale=1.0)]
    terms = WeightedSum([(loss, 1.0) for loss in losses]).terms(BATCH)
    assert list(terms) == ["1.cosent", "cosine_similarity", "3.cosent"]


def test_rows_interact_when_they_do_in_one_loss() -> None:
    cosine, cosent = (built("CosineSimilarityLoss"), 1.0), (built("CoSENTLoss"), 1.0)
    assert WeightedSum([cosine, cosine]).coupling is Coupling.ROWS
    assert WeightedSum([cosine, cosent]).coupling is Coupling.BATCH


def test_a_view_that_two_losses_want_is_asked_for_once() -> None:
    request = WeightedSum([(built("CoSENTLoss"), 1.0), (built("CosineSimilarityLoss"), 1.0)]).request(PAIR)
    assert request.views == (View("sentence_A"), View("sentence_B"))
    assert not request.every_layer


def test_parameters_of_all_losses_are_found() -> None:
    total = WeightedSum([(built("SoftmaxLoss"), 1.0), (built("SoftmaxLoss"), 1.0)])
    assert len(list(total.parameters())) == 4


def test_counts_of_one_name_are_told_apart_by_place_and_the_first_score_counts() -> None:
    texts = {"text": torch.randn(4, 4, generator=torch.Generator().manual_seed(1))}
    batch = batch_of(texts, torch.tensor([0, 0, 1, 1]))
    alone, other = batch_of(texts, batch.labels), batch_of(texts, batch.labels)
    all_triplets, hard = built("BatchAllTripletLoss"), built("BatchHardTripletLoss", margin=0.01)
    all_triplets.terms(alone)
    hard.terms(other)
    total = WeightedSum([(all_triplets, 1.0), (hard, 1.0)])
    total.terms(batch)
    total.terms(batch.map(torch.zeros_like))  # as a modifier that scores twice does
    assert alone.counts.keys() & other.counts.keys()
    for place, own in (("1", alone.counts), ("2", other.counts)):
        for name, count in own.items():
            shared = name in alone.counts.keys() & other.counts.keys()
            assert batch.counts[f"{place}.{name}" if shared else name] == count
    assert len(batch.counts) == len(alone.counts) + len(other.counts)
