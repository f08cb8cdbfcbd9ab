"""GISTEmbed by its formula: what the guide leaves out, what it never does, and how much memory it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import torch
from largest_tensor import LargestTensor
from objectives import Scored, batch_of, built, parsed, scored
from reference_guided import gist_embed, guide_table
from torch import Tensor

from embtune.losses.objective import Batch, BuildContext, Objective, View, guide_tower
from embtune.modifiers.build import build_objective

NAME, GUIDE = "GISTEmbedLoss", "guide"
ROLES = ("anchor", "positive", "negative_1", "negative_2")


def columns_of(rows: int, *roles: str, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shared = torch.randn(rows, 4, generator=generator)
    return {role: shared + torch.randn(rows, 4, generator=generator) for role in roles}


def guided(columns: Mapping[str, Tensor], guides: Mapping[str, Tensor], row_block: int = 1024) -> Batch:
    frozen = {View(role, guide_tower(GUIDE)): guides[role] for role in columns}
    return replace(batch_of(columns, row_block=row_block), frozen=frozen)


def score(columns: Mapping[str, Tensor], guides: Mapping[str, Tensor] | None = None, **parameters: object) -> Scored:
    rows = len(columns["anchor"])
    made = guides or dict(zip(columns, guide_table(len(columns), rows), strict=True))
    return scored(built(NAME, guide=GUIDE, **parameters), guided(columns, made, row_block=4))


def test_a_worked_example() -> None:
    angles = {"anchor": (0.0, 40.0), "positive": (20.0, 80.0)}
    columns = {role: torch.stack([_at(angle) for angle in found]) for role, found in angles.items()}
    guides = {"anchor": torch.stack([_at(0), _at(60)]), "positive": torch.stack([_at(30), _at(70)])}
    # the guide: row 0 keeps what is further than 30 degrees, row 1 what is further than 10
    first = [80, 40, 60]  # p1 (70 apart), a1 (60), p1 beside p0 (40)
    second = [20, 40, 60]  # p0 (30 apart), a0 (60), p0 beside p1 (40)
    costs = [_cost(20, first), _cost(40, second)]
    found = score(columns, guides, temperature=0.5)
    assert found.value.item() == pytest.approx(sum(costs) / 2, rel=1e-6)
    far = score(columns, {**guides, "anchor": torch.stack([_at(0), _at(10)])}, temperature=0.5)
    # now a0 and a1 are 10 apart, nearer than the pairs (30 and 60), and p0 is 20 from a1, p1 40 from p0
    costs = [_cost(20, [80, 60]), _cost(40, [])]
    assert far.value.item() == pytest.approx(sum(costs) / 2, rel=1e-6)


def _at(degrees: float) -> Tensor:
    return torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


def _cost(own: float, others: list[int]) -> float:
    """Of a row whose pair is `own` degrees apart, at temperature 0.5."""
    return math.log(1 + sum(math.exp(2 * (math.cos(math.radians(d)) - math.cos(math.radians(own)))) for d in others))


def test_ragged_negatives_are_nobodys_candidates() -> None:
    columns = columns_of(6, *ROLES)
    there = {"negative_1": [True] * 6, "negative_2": [True, False, True, True, False, False]}
    guides = dict(zip(ROLES, guide_table(4, 6), strict=True))
    batch = guided(columns, guides, row_block=4)
    present = {role: torch.tensor(mask) for role, mask in there.items()}
    found = scored(built(NAME, guide=GUIDE, temperature=0.1), replace(batch, present=present))
    doubled = {role: list(column.double()) for role, column in columns.items()}
    wanted = gist_embed(doubled, temperature=0.1, present=there)
    assert found.value.item() == pytest.approx(wanted.item(), rel=1e-6)
    assert not found.gradients["negative_2"][~present["negative_2"]].any()


def test_a_text_is_never_compared_with_itself_even_when_its_pair_is_twice_the_same_text() -> None:
    columns = columns_of(2, "anchor", "positive")
    same = torch.eye(2)  # the guide: rows have nothing in common, a row's two texts are one and the same
    found = score(columns, {"anchor": same, "positive": same}, temperature=1.0)
    doubled = {role: list(column.double()) for role, column in columns.items()}
    guides = {role: list(same.double()) for role in columns}
    assert found.value.item() == pytest.approx(gist_embed(doubled, temperature=1.0, guides=guides).item(), rel=1e-6)


def test_copies_of_the_positive_stay_negatives_unless_there_is_a_margin() -> None:
    columns = columns_of(3, "anchor", "positive")
    columns["positive"][2] = columns["positive"][0]
    guides = {role: column + torch.tensor([3.0, 0, 0, 0]) for role, column in columns.items()}
    alone = {"contrast_anchors": False, "contrast_positives": False, "temperature": 1.0}
    doubled = {role: list(column.double()) for role, column in columns.items()}
    as_doubles = {role: list(column.double()) for role, column in guides.items()}
    for margin in (0.0, 1e-4):
        found = score(columns, guides, margin=margin, **alone)
        wanted = gist_embed(
            doubled, guides=as_doubles, margin=margin, temperature=1.0, contrast_anchors=False, contrast_positives=False
        )
        assert found.value.item() == pytest.approx(wanted.item(), rel=1e-6)


def test_one_row_and_a_guide_that_leaves_nothing_cost_nothing() -> None:
    one = score(columns_of(1, "anchor", "positive"))
    nothing = score(columns_of(5, *ROLES), margin=9.0)
    for found in (one, nothing):
        assert found.value == 0
        assert not any(gradient.any() for gradient in found.gradients.values())


@pytest.mark.parametrize(
    "case", ["equal texts", "zero vectors", "a zero row", "a blind guide", "long", "short", "bf16"]
)
def test_degenerate_batches_give_finite_values_and_sane_gradients(case: str) -> None:
    columns = columns_of(6, *ROLES)
    guides = dict(zip(ROLES, guide_table(4, 6), strict=True))
    if case == "a blind guide":
        guides = {role: table * 0 for role, table in guides.items()}
    changed: dict[str, Callable[[Tensor], Tensor]] = {
        "equal texts": torch.ones_like,
        "zero vectors": lambda column: column * 0,
        "a zero row": lambda column: column * torch.tensor([0.0, 1, 1, 1, 1, 1])[:, None],
        "a blind guide": lambda column: column,
        "long": lambda column: column * 1e6,
        "short": lambda column: column * 1e-6,
        "bf16": lambda column: column.bfloat16().float(),
    }
    found = score({role: changed[case](column) for role, column in columns.items()}, guides, temperature=0.1)
    assert found.finite
    assert case == "short" or all(float(gradient.abs().max()) < 100 for gradient in found.gradients.values())


def test_the_guide_is_asked_for_every_role_and_nothing_else_of_it_is_trained() -> None:
    objective = built(NAME, guide=GUIDE)
    views = objective.request(("anchor", "positive", "negative")).views
    tower = guide_tower(GUIDE)
    assert views == tuple(View(role, at) for at in ("model", tower) for role in ("anchor", "positive", "negative"))
    assert not list(objective.parameters())


def modified(modifier: str, **parameters: object) -> Objective:
    context = BuildContext(embedding_dim=4, depth=2)
    loss = (*parsed(NAME, guide=GUIDE, temperature=0.1), 1.0)
    return build_objective([loss], [parsed(modifier, **parameters)], context)


def test_matryoshka_never_cuts_the_guide() -> None:
    columns = columns_of(6, "anchor", "positive")
    guides = dict(zip(columns, guide_table(2, 6), strict=True))  # wider than the model
    found = modified("MatryoshkaLoss", dims=[4, 2]).terms(guided(columns, guides))
    for dim in (4, 2):
        cut = {role: column[:, :dim] for role, column in columns.items()}
        torch.testing.assert_close(found[f"gist_embed@{dim}"], score(cut, guides, temperature=0.1).terms["gist_embed"])


def test_adaptive_layers_are_judged_by_the_guide_as_the_last_layer_is() -> None:
    layers = [columns_of(6, "anchor", "positive", seed=seed) for seed in range(3)]
    guides = dict(zip(layers[0], guide_table(2, 6), strict=True))
    stacked = {View(role): torch.stack([layer[role] for layer in layers]) for role in layers[0]}
    objective = modified("AdaptiveLayerLoss", n_layers_per_step=-1, kl_div_weight=0.0)
    found = objective.terms(replace(guided(layers[-1], guides), embeddings=stacked))
    last = score(layers[-1], guides, temperature=0.1).terms["gist_embed"]
    torch.testing.assert_close(found["gist_embed"], last)
    inner = [score(layer, guides, temperature=0.1).terms["gist_embed"] for layer in layers[:-1]]
    assert set(found) == {"gist_embed", "gist_embed@layers"}
    assert min(inner) > 0
    assert float(found["gist_embed@layers"]) > 0


def test_memory_is_linear_in_the_batch() -> None:
    rows, row_block = 4096, 64
    columns = columns_of(rows, "anchor", "positive")
    batch = guided(columns, dict(zip(columns, torch.randn(2, rows, 5), strict=True)), row_block)
    with LargestTensor() as largest:
        scored(built(NAME, guide=GUIDE), batch)
    assert largest.elements <= 2 * row_block * rows  # a block's anchors beside all positives and all anchors
