"""What learns at which rate: towers, and the objectives' own parameters."""

from __future__ import annotations

import pytest
import torch
from engine import Engine, engine, examples, scratch_model

from embtune.catalog.spec import LabelKind
from embtune.train.optimizer import Trainables, build_adamw, set_learning_rate

PEAK, HEADS = 2e-3, 3e-2


def softmax_engine() -> Engine:
    """A model without dropout, and a head; its gradients of one step are there."""
    data = examples(("sentence_A", "sentence_B"), LabelKind.CLASS)
    made = engine("SoftmaxLoss", data, model=scratch_model("static?width=16&vocab=120"))
    made.step()
    return made


def largest_moves(trainables: Trainables, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """How far one step moves the component of each parameter that moves most."""
    before = {name: parameter.detach().clone() for name, parameter in trainables.trainable()}
    optimizer.step()
    return {name: float((parameter - before[name]).abs().max().detach()) for name, parameter in trainables.trainable()}


@pytest.mark.parametrize(("head_rate", "expected"), [(None, PEAK), (HEADS, HEADS)])
@pytest.mark.parametrize("share", [1.0, 0.25])
def test_heads_learn_at_their_own_rate_on_the_same_schedule(
    head_rate: float | None, expected: float, share: float
) -> None:
    """Adam's first step moves every parameter by the learning rate, whatever its gradient is."""
    made = softmax_engine()
    optimizer = build_adamw(made.trainables, PEAK, 0.0, head_rate)
    set_learning_rate(optimizer, share * PEAK)
    moves = largest_moves(made.trainables, optimizer)
    assert {name.partition(".")[0] for name in moves} == {"towers", "objectives"}
    for name, move in moves.items():
        assert move == pytest.approx(share * (expected if name.startswith("objectives.") else PEAK), rel=1e-3)


def test_weights_that_an_objective_shares_with_a_tower_learn_at_the_towers_rate() -> None:
    made = softmax_engine()
    made.objective.tied = made.model.encoder.token_vectors
    moves = largest_moves(made.trainables, build_adamw(made.trainables, PEAK, 0.0, HEADS))
    (name,) = (name for name in moves if "embedding" in name or "tied" in name)
    assert moves[name] == pytest.approx(PEAK, rel=1e-3)


def test_vectors_and_scalars_do_not_decay_in_towers_or_heads() -> None:
    made = softmax_engine()
    optimizer = build_adamw(made.trainables, PEAK, 0.1, HEADS)
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    named = list(made.trainables.trainable())
    assert len(decay) == len(named)
    assert all(decay[id(p)] == (0.1 if p.dim() >= 2 else 0.0) for _, p in named)


def test_only_objectives_with_parameters_have_heads() -> None:
    assert softmax_engine().trainables.has_heads
    made = engine("mnrl", examples(("anchor", "positive"), LabelKind.NONE), model=scratch_model("static?width=16"))
    assert not made.trainables.has_heads
