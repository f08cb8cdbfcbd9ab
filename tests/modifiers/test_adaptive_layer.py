from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest
import torch
from objectives import parsed
from torch import Tensor, nn
from torch.nn import functional as F

from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, Request, View
from embtune.losses.softmax import Softmax
from embtune.modifiers.adaptive_layer import AdaptiveLayer
from embtune.modifiers.build import build_objective
from embtune.modifiers.matryoshka import Matryoshka

DEPTH, ROWS, WIDTH = 4, 5, 8
CONTEXT = BuildContext(embedding_dim=WIDTH, depth=DEPTH, class_count=3)
PAIR = ("sentence_A", "sentence_B")
Modifiers = dict[str, dict[str, object]]
LAYERS: Modifiers = {"AdaptiveLayerLoss": {"n_layers_per_step": -1}}


def modified(loss: str, modifiers: Modifiers) -> Objective:
    wrapped = [parsed(name, **parameters) for name, parameters in modifiers.items()]
    return build_objective([(*parsed(loss), 1.0)], wrapped, CONTEXT)


def adaptive(loss: str = "CosineSimilarityLoss", **parameters: object) -> Objective:
    return modified(loss, {"AdaptiveLayerLoss": parameters})


def layered(roles: Sequence[str] = PAIR, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    views = {View(role): torch.randn(DEPTH + 1, ROWS, WIDTH, generator=generator) for role in roles}
    labels = torch.rand(ROWS, generator=generator)
    return Batch(views, labels, size=ROWS, generator=torch.Generator().manual_seed(seed))


def seeded(batch: Batch, seed: int) -> Batch:
    return replace(batch, generator=torch.Generator().manual_seed(seed))


def total(objective: Objective, batch: Batch) -> Tensor:
    return torch.stack(list(objective.terms(batch).values())).sum()


def expected(batch: Batch, layers: Sequence[int]) -> float:
    """Cosine similarity after the final layer, its mean over `layers`, and the divergences, all from torch's parts."""

    def loss(layer: int) -> Tensor:
        left, right = (batch.embeddings[View(role)][layer] for role in PAIR)
        return F.mse_loss(F.cosine_similarity(left, right), batch.known_labels())

    texts = torch.cat([batch.embeddings[View(role)] for role in PAIR], dim=1) / 0.3
    apart = [F.kl_div(texts[layer].log_softmax(-1), texts[-1].softmax(-1), reduction="batchmean") for layer in layers]
    return float(loss(-1) + sum(loss(layer) for layer in layers) / len(layers) + 0.3 * sum(apart))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_step_is_that_of_the_layers_it_draws_and_every_set_is_drawn(count: int) -> None:
    batch, objective = layered(), adaptive(n_layers_per_step=count)
    by_value = {round(expected(batch, chosen), 4): chosen for chosen in combinations(range(DEPTH), count)}
    assert len(by_value) == len(list(combinations(range(DEPTH), count))), "the values tell the sets apart"
    values = [round(float(total(objective, seeded(batch, seed))), 4) for seed in range(60)]
    assert {by_value[value] for value in values} == set(by_value.values())


def test_draws_are_even_and_follow_the_generator() -> None:
    batch, objective = layered(), adaptive(n_layers_per_step=1)
    values = [float(total(objective, seeded(batch, seed))) for seed in range(400)]
    assert values == [float(total(objective, seeded(batch, seed))) for seed in range(400)]
    assert all(60 < count < 140 for count in Counter(round(value, 4) for value in values).values())


@pytest.mark.parametrize("count", [-1, DEPTH, DEPTH + 3])
def test_as_many_layers_as_there_are_need_no_generator(count: int) -> None:
    batch = replace(layered(), generator=None)
    assert float(total(adaptive(n_layers_per_step=count), batch)) == pytest.approx(expected(batch, range(DEPTH)))


def test_terms_have_the_same_names_in_every_step() -> None:
    objective = adaptive("SoftmaxLoss")
    labels = torch.tensor([0, 1, 2, 0, 1])
    names = {tuple(objective.terms(seeded(layered(), seed).labelled(labels))) for seed in range(20)}
    assert names == {("softmax", "softmax@layers", "kl@layers")}


@pytest.mark.parametrize("off", ["kl_temperature", "kl_div_weight"])
def test_a_divergence_that_counts_nothing_is_no_term(off: str) -> None:
    objective = modified("CosineSimilarityLoss", {"AdaptiveLayerLoss": {off: 0.0}})
    assert list(objective.terms(layered())) == ["cosine_similarity", "cosine_similarity@layers"]


class Nothing(Objective):
    """Learns nothing, from rows that do not interact; a view for each role."""

    @property
    def coupling(self) -> Coupling:
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        return Request(tuple(View(role) for role in roles))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        batch.count("layers seen", torch.tensor(float(len(next(iter(batch.embeddings.values()))))))
        return {"nothing": sum((table.sum() for table in batch.embeddings.values()), torch.zeros(())) * 0}


def divergence_alone(**parameters: object) -> AdaptiveLayer:
    spec, settings = parsed("AdaptiveLayerLoss", n_layers_per_step=-1, **parameters)
    assert isinstance(settings, spec.parameters)
    return AdaptiveLayer(settings, Nothing())  # type: ignore[arg-type]


def leaves(batch: Batch) -> Batch:
    return replace(batch, embeddings={view: table.requires_grad_() for view, table in batch.embeddings.items()})


def test_inner_layers_learn_from_the_final_one_which_stays_where_it_is() -> None:
    batch = leaves(layered())
    total(divergence_alone(), batch).backward()  # type: ignore[no-untyped-call]
    for table in batch.embeddings.values():
        assert table.grad is not None
        assert not table.grad[-1].any()
        assert all(layer.any() for layer in table.grad[:-1])


def ragged() -> Batch:
    """A batch in which rows 1 and 4 lack their last text."""
    present = torch.tensor([True, False, True, True, False])
    return replace(layered(("anchor", "positive", "negative_2")), present={"negative_2": present})


def test_texts_that_are_not_there_weigh_nothing() -> None:
    batch = ragged()
    texts = torch.cat([batch.embeddings[View(role)] for role in ("anchor", "positive")], dim=1)
    some = batch.embeddings[View("negative_2")][:, batch.present["negative_2"]]
    whole = replace(batch, embeddings={View("text"): torch.cat([texts, some], dim=1)}, present={}, size=13)
    found, wanted = total(divergence_alone(), batch), total(divergence_alone(), whole)
    torch.testing.assert_close(found, wanted)


def test_parts_of_a_ragged_step_add_up_to_the_step() -> None:
    batch, parts = leaves(ragged()), ([0, 1], [4], [3, 2])
    whole = replace(batch, embeddings={})
    found = []
    for rows in parts:
        some = batch.map(lambda table, rows=rows: table[:, rows])  # type: ignore[misc]
        present = {role: mask[rows] for role, mask in batch.present.items()}
        found.append(total(divergence_alone(), replace(some, present=present, size=len(rows), whole=whole)))
    torch.testing.assert_close(torch.stack(found).sum(), total(divergence_alone(), batch))
    assert all(value > 0 for value in found)


def test_what_is_counted_is_counted_after_the_final_layer_of_one() -> None:
    batch = layered()
    divergence_alone().terms(batch)
    assert {name: float(count.found) for name, count in batch.counts.items()} == {"layers seen": 1.0}


def test_all_layers_share_one_head() -> None:
    objective = adaptive("SoftmaxLoss", n_layers_per_step=-1)
    assert len([module for module in objective.modules() if isinstance(module, Softmax)]) == 1
    batch = layered().labelled(torch.tensor([0, 1, 2, 0, 1]))
    total(objective, batch).backward()  # type: ignore[no-untyped-call]
    assert all(isinstance(p, nn.Parameter) and p.grad is not None and p.grad.any() for p in objective.parameters())


def test_matryoshka_works_inside_and_outside() -> None:
    dims: Modifiers = {"MatryoshkaLoss": {"dims": [8, 2]}}
    inside = modified("CosineSimilarityLoss", dims | LAYERS)
    outside = modified("CosineSimilarityLoss", LAYERS | dims)
    assert isinstance(inside, AdaptiveLayer)
    assert isinstance(outside, Matryoshka)
    found, other = inside.terms(layered()), outside.terms(layered())
    assert set(found) == {"kl@layers", *(f"cosine_similarity@{dim}{end}" for dim in (8, 2) for end in ("", "@layers"))}
    for dim in (8, 2):
        torch.testing.assert_close(found[f"cosine_similarity@{dim}"], other[f"cosine_similarity@{dim}"])
        torch.testing.assert_close(found[f"cosine_similarity@{dim}@layers"], other[f"cosine_similarity@layers@{dim}"])
    assert {"kl@layers@8", "kl@layers@2"} < set(other), "outside, the divergence is that of each width"


def test_request_and_coupling_are_the_inner_loss_s_after_every_layer() -> None:
    for loss, roles in (("CosineSimilarityLoss", PAIR), ("MultipleNegativesRankingLoss", ("anchor", "positive"))):
        plain, objective = modified(loss, {}), adaptive(loss)
        assert objective.coupling is plain.coupling
        assert objective.request(roles) == replace(plain.request(roles), every_layer=True)


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(ConfigError, match="no inner layers: the model is static"):
        build_objective([(*parsed("CoSENTLoss"), 1.0)], [parsed("AdaptiveLayerLoss")], replace(CONTEXT, depth=0))


def test_layers_that_another_modifier_trains_are_refused() -> None:
    with pytest.raises(ConfigError, match="another modifier trains them"):
        modified("CoSENTLoss", {"AdaptiveLayerLoss": {}, "Matryoshka2dLoss": {"dims": [8]}})
