"""AnglE, online contrastive, mega-batch margin and orthogonal regularisation on worked examples."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from largest_tensor import LargestTensor
from objectives import batch_of, built, parsed, scored, scored_columns
from pydantic import ValidationError

from embtune.catalog import LabelKind, fits
from embtune.catalog.formats import ANY
from embtune.losses.angle import angle_similarities
from embtune.losses.objective import Batch

ALONG, ACROSS = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]


def test_an_angle_depends_on_the_order_of_a_pair() -> None:
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8]])
    # halves are (1), (0) and (0.6), (0.8): cosine 0.6, sine 0 * 0.6 - 1 * 0.8
    assert float(angle_similarities(a, b)) == pytest.approx(abs(0.6 - 0.8))
    assert float(angle_similarities(b, a)) == pytest.approx(0.6 + 0.8)


def test_an_odd_width_counts_as_one_wider() -> None:
    a, b = torch.randn(3, 5), torch.randn(3, 5)
    wider = [torch.nn.functional.pad(side, (0, 1)) for side in (a, b)]
    assert torch.equal(angle_similarities(a, b), angle_similarities(*wider))


def test_a_negative_that_a_row_lacks_is_no_pair_of_its_anchor() -> None:
    columns = {role: torch.randn(3, 4) for role in ("anchor", "positive", "negative_1", "negative_2")}
    there = torch.tensor([True, False, True])
    batch = replace(batch_of(columns), present={"negative_2": there})
    near = torch.cat([angle_similarities(columns["anchor"], columns[role]) for role in list(columns)[1:]])
    kept = torch.cat([torch.ones(6, dtype=torch.bool), there])
    labels = torch.tensor([1.0] * 3 + [0.0] * 6)
    pairs = [(low - high) for low in 20 * near[kept & (labels == 0)] for high in 20 * near[labels == 1]]
    wanted = math.log(1 + sum(math.exp(float(pair)) for pair in pairs))
    assert float(built("AnglELoss").terms(batch)["angle"]) == pytest.approx(wanted, rel=1e-5)


def online(labels: list[int]) -> tuple[float, float]:
    """Value and number of hard pairs for three pairs 0, 1 and 0.2 apart in cosine distance."""
    left = torch.tensor([ALONG, ALONG, ALONG])
    right = torch.tensor([ALONG, ACROSS, [0.8, 0.6, 0.0, 0.0]])
    batch = batch_of({"sentence_A": left, "sentence_B": right}, torch.tensor(labels))
    value = float(built("OnlineContrastiveLoss").terms(batch)["online_contrastive"])
    return value, float(batch.counts["hard_pairs"].found)


@pytest.mark.parametrize(
    ("labels", "wanted", "hard"),
    [
        ([1, 1, 0], 1.0 + (0.5 - 0.2) ** 2, 2),
        ([1, 0, 0], 0.0, 0),
        # with one label alone the mean distance, 0.4, draws the line
        ([1, 1, 1], 1.0, 1),
        ([0, 0, 0], 0.5**2 + 0.3**2, 2),
    ],
)
def test_only_pairs_on_the_wrong_side_count(labels: list[int], wanted: float, hard: int) -> None:
    assert online(labels) == pytest.approx((wanted, hard))


def test_the_hardest_negative_is_that_of_another_row() -> None:
    anchor = torch.tensor([ALONG, ACROSS])
    positive = torch.tensor([ALONG, [0.6, 0.8, 0.0, 0.0]])
    value = scored_columns(built("MegaBatchMarginLoss"), {"anchor": anchor, "positive": positive}).value
    # row 0: near enough, negative 0.6; row 1: cosine 0.8 is just near enough, negative 0
    assert float(value) == pytest.approx((0.6 - 0.3) / 2)


def test_one_row_has_no_hardest_negative() -> None:
    found = scored_columns(
        built("MegaBatchMarginLoss"), {"anchor": torch.tensor([ALONG]), "positive": torch.tensor([ACROSS])}
    )
    assert float(found.value) == pytest.approx(0.8)
    assert found.finite


def test_orthogonal_texts_cost_nothing_and_equal_texts_cost_most() -> None:
    loss = built("GlobalOrthogonalRegularizationLoss")
    spread = scored_columns(loss, {"text": torch.eye(4)})
    assert {name: float(term.detach()) for name, term in spread.terms.items()} == {
        "gor_mean": 0,
        "gor_second_moment": 0,
    }
    equal = scored_columns(loss, {"text": torch.ones(3, 4)})
    assert [float(term.detach()) for term in equal.terms.values()] == [pytest.approx(1.0), pytest.approx(1 - 1 / 4)]


def test_a_text_that_a_row_lacks_is_not_spread() -> None:
    columns = {"anchor": torch.randn(4, 4), "positive": torch.randn(4, 4)}
    there = torch.tensor([True, True, False, True])
    loss = built("GlobalOrthogonalRegularizationLoss", aggregation="sum")
    found = scored(loss, replace(batch_of(columns), present={"positive": there}))
    parts = [{"text": columns["anchor"]}, {"text": columns["positive"][there]}]
    assert float(found.value) == pytest.approx(sum(float(scored_columns(loss, part).value) for part in parts), rel=1e-5)
    assert not found.gradients["positive"][2].any()


def test_a_regulariser_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="above 0"):
        parsed("GlobalOrthogonalRegularizationLoss", mean_weight=0.0, second_moment_weight=None)


@pytest.mark.parametrize("label", list(LabelKind))
def test_any_data_takes_whatever_label_it_has(label: LabelKind) -> None:
    assert fits(ANY, ("anchor", "positive"), label)


@pytest.mark.parametrize(
    "name", ["AnglELoss", "OnlineContrastiveLoss", "MegaBatchMarginLoss", "GlobalOrthogonalRegularizationLoss"]
)
def test_one_row_gives_a_finite_loss_with_a_graph(name: str) -> None:
    roles = ("anchor", "positive") if name == "MegaBatchMarginLoss" else ("sentence_A", "sentence_B")
    columns = {role: torch.zeros(1, 4) for role in roles}
    batch: Batch = batch_of(columns, torch.tensor([1.0]))
    assert scored(built(name), batch).finite


@pytest.mark.parametrize(
    ("name", "roles", "blocks"),
    [
        ("CoSENTLoss", ("sentence_A", "sentence_B"), 0),
        ("AnglELoss", ("sentence_A", "sentence_B"), 0),
        ("AnglELoss", ("anchor", "positive", "negative"), 0),
        ("OnlineContrastiveLoss", ("sentence_A", "sentence_B"), 0),
        ("MegaBatchMarginLoss", ("anchor", "positive"), 1),
        ("GlobalOrthogonalRegularizationLoss", ("anchor", "positive"), 1),
    ],
)
def test_memory_is_linear_in_the_batch(name: str, roles: tuple[str, ...], blocks: int) -> None:
    rows, row_block, width = 1024, 32, 8
    columns = {role: torch.randn(rows, width) for role in roles}
    labels = None if "anchor" in roles else torch.arange(rows) % 2
    with LargestTensor() as largest:
        scored_columns(built(name), columns, labels, row_block=row_block)
    assert largest.elements <= max(blocks * row_block * rows, len(roles) * rows * width)
