"""The losses that mine triplets: worked examples, loops on larger batches, what they count, and how much they hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import reference_mining
import torch
from objectives import batch_of, built, scored_columns
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from embtune.catalog.choices import Distance
from embtune.losses.mining import distances

MARGIN_LOSSES = ("BatchAllTripletLoss", "BatchHardTripletLoss", "BatchSemiHardTripletLoss")
LOSSES = (*MARGIN_LOSSES, "BatchHardSoftMarginTripletLoss")
SOFT = "BatchHardSoftMarginTripletLoss"


def on_a_line(*places: float) -> Tensor:
    """(B, 4) vectors whose distances are those of the places."""
    return torch.tensor([[place, 1.0, 0.0, 0.0] for place in places])


def counts(name: str, texts: Tensor, labels: Tensor, **parameters: object) -> dict[str, tuple[float, bool]]:
    """Name -> how many, and whether none would mean that nothing is learnt."""
    batch = batch_of({"text": texts}, labels, row_block=3)
    built(name, **parameters).terms(batch)
    return {name: (float(count.found), count.needed) for name, count in batch.counts.items()}


# class 0 at 0 and 3, class 1 at 4 and 9; margin 2
LINE, CLASSES = on_a_line(0, 3, 4, 9), torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        # (0, 3, 4): 3 - 4 + 2, then (3, 0, 4), (4, 9, 0), (4, 9, 3), (9, 4, 3); the other three keep the margin
        ("BatchAllTripletLoss", (1 + 4 + 3 + 6 + 1) / 5),
        ("BatchHardTripletLoss", (1 + 4 + 6 + 1) / 4),
        # pairs (0, 3) with 4, (3, 0) with 9, (4, 9) with 0, the farthest, since none is farther than 9, (9, 4) with 3
        ("BatchSemiHardTripletLoss", (1 + 0 + 3 + 1) / 4),
    ],
)
def test_a_line_of_four_by_hand(name: str, wanted: float) -> None:
    found = scored_columns(built(name, margin=2.0), {"text": LINE}, CLASSES, row_block=3)
    assert found.value.item() == pytest.approx(wanted)


@pytest.mark.parametrize(("name", "wanted", "active"), [(MARGIN_LOSSES[0], 2, 2), (MARGIN_LOSSES[2], 0, 0)])
def test_a_negative_exactly_as_far_as_it_need_be_costs_nothing(name: str, wanted: float, active: int) -> None:
    texts = on_a_line(0, 2, 4, 6)  # every positive is 2 away, the negatives are 2, 4 and 6
    found = scored_columns(built(name, margin=2.0), {"text": texts}, CLASSES)
    assert found.value == wanted
    assert counts(name, texts, CLASSES, margin=2.0)["active_triplets"] == (active, False)


def test_the_soft_margin_by_hand() -> None:
    found = scored_columns(built(SOFT), {"text": LINE}, CLASSES)
    wanted = [math.log1p(math.exp(gap)) for gap in (3 - 4, 3 - 1, 5 - 1, 5 - 6)]
    assert found.value.item() == pytest.approx(sum(wanted) / 4)


@pytest.mark.parametrize(("name", "active"), [(MARGIN_LOSSES[0], 5), (MARGIN_LOSSES[1], 4), (MARGIN_LOSSES[2], 3)])
def test_triplets_are_counted_and_only_valid_ones_are_missed(name: str, active: int) -> None:
    valid = 8 if name == "BatchAllTripletLoss" else 4
    wanted = {"valid_triplets": (valid, True), "active_triplets": (active, False)}
    assert counts(name, LINE, CLASSES, margin=2.0) == wanted


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("labels", [torch.zeros(4), torch.arange(4), torch.tensor([7])], ids=["one", "all", "single"])
def test_batches_without_a_triplet_count_none(name: str, labels: Tensor) -> None:
    found = counts(name, LINE[: len(labels)], labels)
    assert all(count == 0 for count, _ in found.values())
    assert found["valid_triplets"] == (0, True)


@pytest.mark.parametrize(
    ("name", "wanted"), [("BatchAllTripletLoss", 0), ("BatchHardTripletLoss", 5), (SOFT, math.log(2))]
)
def test_one_class_alone_teaches_nothing(name: str, wanted: float) -> None:
    found = scored_columns(built(name), {"text": LINE}, torch.zeros(4))
    assert found.value.item() == pytest.approx(wanted)
    assert not found.gradients["text"].any()


def test_semi_hard_pulls_one_class_alone_together() -> None:
    found = scored_columns(built("BatchSemiHardTripletLoss", margin=2.0), {"text": on_a_line(0, 3)}, torch.zeros(2))
    assert found.value.item() == pytest.approx(3 + 2)
    assert found.gradients["text"][:, 0].tolist() == pytest.approx([-1, 1])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("classes", [2, 5, 16])
def test_a_batch_of_two_dozen_equals_the_loops(name: str, metric: str, classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    texts, labels = torch.randn(24, 16, generator=generator), torch.randint(classes, (24,), generator=generator)
    margins = {} if name == SOFT else {"margin": {"euclidean": 1.0, "cosine": 0.3}[metric]}
    found = scored_columns(built(name, distance_metric=metric, **margins), {"text": texts}, labels, row_block=7)
    leaf = texts.double().requires_grad_()
    loops = reference_mining.LOSSES[name]({"text": list(leaf)}, labels.tolist(), distance_metric=metric, **margins)
    (gradient,) = torch.autograd.grad(loops, leaf)
    assert found.value.item() == pytest.approx(loops.item(), rel=1e-6)
    assert (found.gradients["text"] - gradient).abs().max() <= 1e-5 * gradient.abs().max()


def test_batch_all_counts_the_triplets_that_break_the_margin() -> None:
    generator = torch.Generator().manual_seed(0)
    texts, labels = torch.randn(24, 16, generator=generator), torch.randint(4, (24,), generator=generator)
    mined = reference_mining.Mined({"text": list(texts.double())}, labels.tolist(), "euclidean")
    triplets = mined.triplets()
    active = sum(bool(mined.apart(a, p) - mined.apart(a, n) + 0.5 > 0) for a, p, n in triplets)
    found = counts("BatchAllTripletLoss", texts, labels, margin=0.5)
    assert found == {"valid_triplets": (len(triplets), True), "active_triplets": (active, False)}
    assert 0 < active < len(triplets)


@pytest.mark.parametrize("metric", Distance)
def test_equal_texts_are_nothing_apart_and_get_no_gradient(metric: Distance) -> None:
    text = torch.nn.functional.normalize(torch.randn(1, 384, generator=torch.Generator().manual_seed(1)))
    texts = text.repeat(5, 1).requires_grad_()
    apart = distances(metric, slice(0, 5), texts)
    (gradient,) = torch.autograd.grad(apart.sum(), texts)
    if metric is Distance.COSINE:  # a product of vectors, not the root of one: its slope is along the vectors
        assert apart.abs().max() < 1e-6
    else:
        assert not apart.any()
        assert not gradient.any()


@pytest.mark.parametrize("metric", Distance)
def test_distances_are_those_of_float64(metric: Distance) -> None:
    generator = torch.Generator().manual_seed(2)
    texts = torch.nn.functional.normalize(torch.randn(20, 384, generator=generator))
    texts[1] = torch.nn.functional.normalize(texts[0] + 1e-3 * torch.randn(384, generator=generator), dim=0)
    exact: dict[Distance, Callable[[Tensor], Tensor]] = {
        Distance.COSINE: lambda rows: 1 - rows @ rows.T,
        Distance.EUCLIDEAN: lambda rows: torch.cdist(rows, rows),
        Distance.MANHATTAN: lambda rows: torch.cdist(rows, rows, p=1.0),
    }
    found = torch.cat([distances(metric, slice(start, start + 5), texts) for start in range(0, 20, 5)])
    torch.testing.assert_close(found.double(), exact[metric](texts.double()), rtol=1e-5, atol=2e-5)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers the size of the largest tensor that any operation gives."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple) else (result,):
            self.numbers = max(self.numbers, tensor.numel() if isinstance(tensor, Tensor) else 0)
        return result


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_nothing_larger_than_a_block_of_rows_is_held(name: str, metric: str) -> None:
    rows, block = 256, 16
    texts, labels = torch.randn(rows, 8), torch.arange(rows) % 10
    with Largest() as largest:  # type: ignore[no-untyped-call]
        scored_columns(built(name, distance_metric=metric), {"text": texts}, labels, row_block=block)
    assert largest.numbers == rows * block
