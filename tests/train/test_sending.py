"""A step that went through one buffer is the step that was sent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine import engine, examples, scratch_model
from torch import Tensor

from embtune.catalog.spec import Coupling, LabelKind
from embtune.train.budget import EVERYTHING, Budget
from embtune.train.prepare import Cutting, PreparedStep, prepare_step
from embtune.train.sending import PackedStep, Sender

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def prepared(coupling: Coupling = Coupling.BATCH, group_tokens: int = EVERYTHING) -> PreparedStep:
    """A step with padded texts of two views, labels and absent texts."""
    data = examples(("anchor", "positive", "negative"), LabelKind.NONE, ragged=True)
    made = engine("mnrl", data, model=scratch_model())
    made.rows = made.rows.__class__(**{**vars(made.rows), "labels": torch.arange(24.0)})
    cutting = Cutting(made.towers, Budget(100, EVERYTHING, group_tokens, 8), share_equal_texts=False)
    return prepare_step(made.rows, np.arange(24), coupling, cutting)


def tensors(step: PreparedStep) -> list[Tensor]:
    found: list[Tensor] = []
    step.map(lambda tensor: found.append(tensor) or tensor)  # type: ignore[func-returns-value]
    return found


def assert_equal(left: PreparedStep, right: PreparedStep) -> None:
    """Also in type, shape and order."""
    for ours, theirs in zip(tensors(left), tensors(right), strict=True):
        torch.testing.assert_close(ours.cpu(), theirs.cpu(), rtol=0, atol=0)


def test_a_prepared_step_has_tensors_of_several_types() -> None:
    assert {tensor.dtype for tensor in tensors(prepared())} == {torch.int64, torch.bool, torch.float32}


@pytest.mark.parametrize("group_tokens", [EVERYTHING, 100])
def test_every_tensor_is_the_same_over_a_copy_of_the_buffer(group_tokens: int) -> None:
    step = prepared(Coupling.ROWS, group_tokens)
    packed = PackedStep.of(step, pin=False)
    buffer = packed.buffer.clone()
    packed.buffer.zero_()
    assert_equal(packed.over(buffer), step)
    inside = {tensor.untyped_storage().data_ptr() for tensor in tensors(packed.over(buffer))}
    assert inside == {buffer.untyped_storage().data_ptr()}


def test_what_is_in_several_places_is_sent_once() -> None:
    step = prepared()
    once = {id(tensor): tensor.nbytes for tensor in tensors(step)}
    assert len(once) < len(tensors(step)), "the batch is the whole step here"
    assert sum(once.values()) <= len(PackedStep.of(step, pin=False).buffer) <= sum(once.values()) + 16 * len(once)


def test_on_a_cpu_nothing_moves() -> None:
    step = prepared()
    assert Sender(torch.device("cpu")).send(step).arrived() is step


@pytest.mark.gpu
@NEEDS_GPU
def test_a_step_arrives_on_the_gpu_whole() -> None:
    step, sender = prepared(), Sender(torch.device("cuda"))
    sent = [sender.send(step) for _ in range(20)]
    for each in sent:
        assert_equal(each.arrived(), step)
