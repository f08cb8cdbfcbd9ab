"""Micro-batches side by side give what they give one after another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace

import pytest
import torch
from engine import Engine, engine, examples, scratch_model
from test_lora_step import updated_model
from test_query_tower import two_models
from test_step import LOSSES, largest_difference
from torch import Tensor

from embtune.catalog.spec import LabelKind
from embtune.config.words import Precision
from embtune.model.embedder import TextEmbedder
from embtune.model.lanes import Lanes, lane_count, lanes
from embtune.train.budget import EVERYTHING
from embtune.train.lane_gradients import LaneGradients

PAIRS = (("anchor", "positive"), LabelKind.NONE)


@pytest.fixture(scope="module")
def three() -> Iterator[Lanes]:
    with lanes(3) as pool:
        yield pool


def stepped(made: Engine, pool: Lanes, kept: int = EVERYTHING) -> tuple[dict[str, float], dict[str, Tensor]]:
    made.lanes = pool
    return made.step(budget=64, kept=kept).terms, made.gradients()


@pytest.mark.parametrize("modifier", [None, "MatryoshkaLoss", "AdaptiveLayerLoss"])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_lanes_change_the_order_of_a_sum_and_nothing_else(three: Lanes, loss: str, modifier: str | None) -> None:
    parameters: dict[str, dict[str, object]] = {"MatryoshkaLoss": {"dims": [32, 8]}, "AdaptiveLayerLoss": {}}
    chosen = {modifier: parameters[modifier]} if modifier else None
    made = engine(loss, examples(*LOSSES[loss]), modifiers=chosen)
    terms, gradients = stepped(made, Lanes())
    terms_of_lanes, gradients_of_lanes = stepped(made, three)
    assert terms_of_lanes == terms
    assert largest_difference(gradients_of_lanes, gradients) < 1e-6


@pytest.mark.parametrize("kind", ["transformer", "low-rank", "two towers", "static queries"])
def test_lanes_give_the_same_bits_each_time_kept_or_recomputed(three: Lanes, kind: str) -> None:
    models: dict[str, TextEmbedder] = {
        "transformer": scratch_model(),
        "low-rank": updated_model("transformer", dropout=0.3),
        "two towers": two_models(),
        "static queries": two_models("static?width=32"),
    }
    made = engine("mnrl", examples(*PAIRS), model=models[kind])
    alone = stepped(made, Lanes())[1]
    first, *others = [stepped(made, three, kept)[1] for kept in (EVERYTHING, EVERYTHING, 0, 100)]
    assert largest_difference(first, alone) < 1e-6
    for other in others:
        assert largest_difference(other, first) == 0


def test_bf16_is_each_lanes_own_autocast(three: Lanes) -> None:
    made = replace(engine("mnrl", examples(*PAIRS)), precision=Precision.BF16)
    terms, gradients = stepped(made, Lanes())
    terms_of_lanes, gradients_of_lanes = stepped(made, three)
    assert terms_of_lanes == terms
    assert largest_difference(gradients_of_lanes, gradients) < 2e-2  # of sums of bf16 products in another order


def test_there_are_micro_batches_for_all_lanes() -> None:
    made = engine("mnrl", examples(*PAIRS))
    assert len(made.prepared(budget=10_000, launch=10_000).groups[0].text_batches) == 1
    assert len(made.prepared(budget=10_000, launch=10_000, lanes=4).groups[0].text_batches) >= 4


def test_a_mistake_in_a_lane_is_the_callers_and_ends_the_other_lanes() -> None:
    ended: list[int] = []

    def work(lane: int) -> None:
        if lane == 0:
            raise ArithmeticError("a mistake")
        while True:  # until nobody waits
            try:
                pool.go_on()
            except CancelledError:
                ended.append(lane)
                return

    with lanes(3) as pool:
        with pytest.raises(ArithmeticError, match="a mistake"):
            list(pool.map(work, range(3)))
        assert set(ended) <= {1, 2}  # all that had begun have ended by now
        list(pool.map(lambda lane: pool.go_on(), range(3)))  # as a step that is repeated with less memory does


def test_sums_of_a_lane_are_added_to_what_is_there() -> None:
    there, not_there, unused = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
    there.grad = torch.ones(2)
    sums = LaneGradients()
    for _ in range(2):
        sums.add([there, not_there, unused], (3 * there + 5 * not_there).sum(), torch.tensor(1.0))
    sums.hand_over()
    assert there.grad.tolist() == [7, 7]
    assert not_there.grad is not None
    assert not_there.grad.tolist() == [10, 10]
    assert unused.grad is None


def test_static_models_gpus_and_compiled_layers_have_one_lane() -> None:
    cpu = torch.device("cpu")
    model = scratch_model()
    assert lane_count(model, cpu) == min(8, torch.get_num_threads())
    assert lane_count(model, torch.device("cuda")) == 1
    assert lane_count(scratch_model("static?width=32"), cpu) == 1
    model.compiled = True
    assert lane_count(model, cpu) == 1
