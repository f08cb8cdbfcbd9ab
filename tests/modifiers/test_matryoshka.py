from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from objectives import batch_of, built, parsed, scored
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, Request, View
from embtune.losses.softmax import Softmax
from embtune.modifiers.build import build_objective
from embtune.modifiers.matryoshka import Matryoshka

CONTEXT = BuildContext(embedding_dim=8, depth=0, class_count=3)
PAIR = ("sentence_A", "sentence_B")


def matryoshka(loss: str = "CosineSimilarityLoss", **parameters: object) -> Objective:
    return build_objective([(*parsed(loss), 1.0)], [parsed("MatryoshkaLoss", **parameters)], CONTEXT)


def pairs(rows: int = 5) -> Batch:
    generator = torch.Generator().manual_seed(rows)
    columns = {role: torch.randn(rows, 8, generator=generator) for role in PAIR}
    return batch_of(columns, torch.rand(rows, generator=generator))


def drawn(seed: int) -> Batch:
    return replace(pairs(), generator=torch.Generator().manual_seed(seed))


def test_each_dim_is_the_inner_loss_on_cut_and_normalised_vectors() -> None:
    batch, weights = pairs(), {2: 0.5, 8: 1.0, 4: 2.0}
    terms = matryoshka(dims=list(weights), weights=list(weights.values())).terms(batch)
    assert list(terms) == ["cosine_similarity@8", "cosine_similarity@4", "cosine_similarity@2"]
    inner = built("CosineSimilarityLoss")
    for dim, weight in weights.items():
        columns = {role: F.normalize(batch.embedding(role)[:, :dim], dim=-1) for role in PAIR}
        (wanted,) = inner.terms(batch_of(columns, batch.labels)).values()
        torch.testing.assert_close(terms[f"cosine_similarity@{dim}"], weight * wanted)


def test_the_full_width_is_normalised_too() -> None:
    columns = {role: 7 * torch.randn(3, 8) for role in ("anchor", "positive", "negative")}
    units = {role: F.normalize(column, dim=-1) for role, column in columns.items()}
    (found,) = matryoshka("TripletLoss", dims=[8]).terms(batch_of(columns)).values()
    (wanted,) = built("TripletLoss").terms(batch_of(units)).values()
    torch.testing.assert_close(found, wanted)


class Widths(Objective):
    """Scores nothing; remembers the shapes it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    @property
    def coupling(self) -> Coupling:
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        return Request(tuple(View(role) for role in roles), every_layer=True)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        self.seen += [tuple(table.shape) for table in batch.embeddings.values()]
        return {"nothing": torch.zeros(())}


def test_every_layer_of_every_view_is_cut_and_normalised() -> None:
    inner, tables = Widths(), {View("text"): torch.randn(4, 2, 8), View("text", copy=1): torch.randn(4, 2, 8)}
    objective = Matryoshka({3: inner, 5: inner}, {3: 1.0, 5: 1.0}, dims_per_step=-1)
    objective.terms(Batch(tables, size=2))
    assert inner.seen == [(4, 2, 5), (4, 2, 5), (4, 2, 3), (4, 2, 3)]
    assert objective.request(["text"]).every_layer


def test_a_head_is_built_for_each_dim_and_each_learns() -> None:
    objective = matryoshka("SoftmaxLoss", dims=[8, 4])
    heads = [module for module in objective.modules() if isinstance(module, Softmax)]
    assert [head.classifier.weight.shape[1] for head in heads] == [3 * 8, 3 * 4]
    terms = objective.terms(replace(pairs(), labels=torch.tensor([0, 1, 2, 1, 0])))
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in objective.parameters())


def test_dims_not_drawn_are_zero_under_the_same_names() -> None:
    everything = matryoshka(dims=[8, 4, 2]).terms(pairs())
    sampling = matryoshka(dims=[8, 4, 2], n_dims_per_step=1)
    for seed in range(5):
        terms = sampling.terms(drawn(seed))
        assert list(terms) == list(everything)
        (name,) = [name for name, value in terms.items() if value != 0]
        assert terms[name] == everything[name]


def test_draws_follow_the_generator_and_are_even() -> None:
    sampling = matryoshka(dims=[8, 4, 2, 1], n_dims_per_step=2)
    assert sampling.terms(drawn(3)) == sampling.terms(drawn(3))
    counts = Counter(name for seed in range(400) for name, value in sampling.terms(drawn(seed)).items() if value != 0)
    assert all(150 < count < 250 for count in counts.values())


def test_drawing_all_dims_needs_no_generator() -> None:
    assert matryoshka(dims=[8, 4], n_dims_per_step=2).terms(pairs()) == matryoshka(dims=[8, 4]).terms(pairs())


def test_a_vector_whose_first_numbers_are_zero_gives_a_finite_gradient() -> None:
    batch = pairs()
    batch = batch.map(lambda table: torch.cat([torch.zeros_like(table[..., :2]), table[..., 2:]], dim=-1))
    assert scored(matryoshka(dims=[8, 2]), batch).finite


def test_a_dim_wider_than_the_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="dims has 16, but the model's embeddings are 8 wide"):
        matryoshka(dims=[16, 8])


def test_coupling_and_request_are_the_inner_loss_s() -> None:
    for loss, roles in (("CosineSimilarityLoss", PAIR), ("MultipleNegativesRankingLoss", ("anchor", "positive"))):
        objective = matryoshka(loss, dims=[4])
        assert objective.coupling is built(loss).coupling
        assert objective.request(roles) == built(loss).request(roles)
