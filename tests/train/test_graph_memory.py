"""What graphs take is measured: held against counts by hand, and against what torch's allocator says on a GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from engine import engine, examples, scratch_model
from test_loop import training, weights
from torch import Tensor, nn

from embtune.catalog.spec import LabelKind
from embtune.config.words import GradientCache, Precision
from embtune.train import graph_memory
from embtune.train.budget import EVERYTHING, decide_budget
from embtune.train.embed import EmbedSettings
from embtune.train.graph_memory import graph_bytes, tokens_that_fit
from embtune.train.loop import train
from embtune.train.machine_memory import available_bytes, total_bytes
from embtune.train.precision import MixedPrecision
from embtune.train.state import TrainState

CPU = torch.device("cpu")
PAIRS = (("anchor", "positive"), LabelKind.NONE)


def test_saved_tensors_are_counted_once_and_without_weights() -> None:
    linear, x = nn.Linear(8, 16), torch.randn(4, 8)

    def forward() -> Tensor:
        hidden: Tensor = linear(x).exp()  # saves x (4 * 8) and its own output (4 * 16)
        return hidden * hidden  # saves that output twice again

    assert graph_bytes(forward, linear.parameters(), CPU) == 4 * (4 * 8 + 4 * 16)


def test_nothing_is_saved_where_nothing_is_trained() -> None:
    linear = nn.Linear(8, 16).requires_grad_(False)
    assert graph_bytes(lambda: linear(torch.randn(4, 8)).exp(), linear.parameters(), CPU) == 0


@pytest.mark.parametrize("still_to_come", [0, 300_000])
def test_as_many_slots_are_kept_as_fit_into_the_memory_left(
    monkeypatch: pytest.MonkeyPatch, still_to_come: int
) -> None:
    made = engine("mnrl", examples(*PAIRS), model=scratch_model(dropout=0.0))
    step = made.prepared(budget=10_000, launch=10_000)
    settings = EmbedSettings(made.towers, MixedPrecision(Precision.FP32, CPU), every_layer=False, kept_tokens=0)
    (batch,) = step.groups[0].text_batches
    one = graph_bytes(lambda: made.model(batch.features), made.model.parameters(), CPU)
    monkeypatch.setattr(graph_memory, "available_bytes", lambda device, sharers: 10 * one + still_to_come)
    kept = tokens_that_fit(settings, step, still_to_come)
    assert kept == pytest.approx(4 * batch.features.token_slots, rel=0.01)  # half of ten, and one under way
    monkeypatch.setattr(graph_memory, "available_bytes", lambda device, sharers: 0)
    assert tokens_that_fit(settings, step, still_to_come) == 0


def test_a_run_measures_once_and_its_weights_do_not_depend_on_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    for memory in (1 << 40, 0, 200_000):
        monkeypatch.setattr(graph_memory, "available_bytes", lambda device, sharers, memory=memory: memory)
        made = training()
        made.budget = replace(made.budget, kept_tokens=None, micro_batch_tokens=64)
        reports = list(train(made, TrainState()))
        assert made.budget.kept_tokens is not None
        runs.append((weights(made), sum(report.recomputed for report in reports)))
    assert runs[0][1] == 0 < runs[1][1]
    for ours in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(ours[0], runs[0][0], strict=True))


def test_what_the_config_asks_for_is_not_measured() -> None:
    kept = {cache: decide_budget(CPU, 6, 384, 512, cache).kept_tokens for cache in GradientCache}
    assert kept == {GradientCache.AUTO: None, GradientCache.ALWAYS: 0, GradientCache.NEVER: EVERYTHING}


def test_there_is_memory_and_not_all_of_it_is_left() -> None:
    assert 0 < available_bytes(CPU) <= total_bytes(CPU)
    assert total_bytes(CPU, sharers=2) == total_bytes(CPU) // 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_the_allocator_is_asked() -> None:
    device = torch.device("cuda")
    linear, x = nn.Linear(1024, 1024).cuda(), torch.randn(1024, 1024, device=device)
    linear(x)  # what cuBLAS takes for itself at first use
    assert graph_bytes(lambda: linear(x).exp(), linear.parameters(), device) == 4 * 1024 * 1024
    assert 0 < available_bytes(device) <= total_bytes(device)
