"""A step is read once: the device is waited for at its end, before the weights change, and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
from engine import engine, examples, scratch_model
from test_loop import training
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from embtune.catalog.spec import LabelKind
from embtune.train import loop
from embtune.train.outcome import GroupScores, StepOutcome, read_scores
from embtune.train.state import TrainState

# What makes the host wait for a GPU: a value becomes a number, or decides a shape.
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "_unique2", "unique_dim"}
KINDS = {"transformer": "transformer?layers=2&width=32&heads=2", "static": "static?width=32"}
LOSSES = {
    "MultipleNegativesRankingLoss": (("anchor", "positive", "negative"), LabelKind.NONE),
    "CoSENTLoss": (("sentence_A", "sentence_B"), LabelKind.SCORE),
    "CosineSimilarityLoss": (("sentence_A", "sentence_B"), LabelKind.SCORE),
    "SoftmaxLoss": (("sentence_A", "sentence_B"), LabelKind.CLASS),
}


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that would make the host wait."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        name = str(func).split(".")[1]
        chosen = args[1] if name in {"index", "index_put", "index_put_"} else ()
        boolean = any(isinstance(place, Tensor) and place.dtype is torch.bool for place in chosen or ())  # type: ignore[attr-defined]
        if name in WAITING or boolean:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def of_equal_length() -> Iterator[None]:
    """transformers looks into a mask to find whether it masks anything; texts of one length have none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.sentences", lambda count, seed: [f"{number:03} cat sat on" for number in range(count)])
        yield


def test_the_counter_sees_what_waits() -> None:
    values = torch.arange(4.0)
    with Waits() as waits:
        float(values.sum()), values[values > 1], torch.nonzero(values), bool(values.all())
    assert waits.found == {"_local_scalar_dense": 2, "index": 1, "nonzero": 1}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("kept", [0, 1 << 40])
def test_nothing_in_a_step_waits(loss: str, kind: str, kept: int) -> None:
    with of_equal_length():
        made = engine(
            loss, examples(*LOSSES[loss], ragged=loss.startswith("Multiple")), model=scratch_model(KINDS[kind])
        )
    prepared = made.prepared(budget=64, group=128)
    with Waits() as waits:
        made.run(prepared, kept)
    assert waits.found == {}


def test_a_whole_step_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the loop does with what it read, with clipping on; on a CPU the reading itself is a copy of numbers."""
    reads: list[int] = []

    def counted(groups: Sequence[GroupScores], *others: Tensor) -> tuple[StepOutcome, list[float]]:
        reads.append(len(others))
        return read_scores(groups, *others)

    monkeypatch.setattr(loop, "read_scores", counted)
    monkeypatch.setattr(loop, "add_by_row", lambda towers, device: None)  # as on a GPU: finding rows would wait
    with of_equal_length():
        made = training()
    steps = loop.train(made, TrainState())
    with Waits() as waits:
        report = next(steps)
    steps.close()
    assert report.grad_norm > made.max_grad_norm
    assert waits.found == {}
    assert reads == [1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_on_a_gpu_nothing_in_a_step_waits(loss: str, kind: str) -> None:
    with of_equal_length():
        made = engine(loss, examples(*LOSSES[loss]), model=scratch_model(KINDS[kind]).cuda())
    made.objective.cuda()
    prepared = made.prepared(budget=64).map(lambda tensor: tensor.cuda())
    made.run(prepared, kept=0)  # what is loaded and compiled at first use
    torch.cuda.set_sync_debug_mode("error")
    try:
        scores = made.run(prepared, kept=0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert read_scores(scores)[0].loss > 0
