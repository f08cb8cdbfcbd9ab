"""Checkpoints hold everything trainable, come back bit for bit, and show their damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from engine import Engine, engine, examples, scratch_model

from embtune.catalog.spec import LabelKind
from embtune.errors import RunError
from embtune.train.checkpoint import Checkpoints, load_weights, restore, save_weights, trainable_tensors
from embtune.train.optimizer import Trainables, build_adamw
from embtune.train.state import BestScore, TrainState


def softmax_engine() -> Engine:
    """A model and a trained head."""
    return engine("SoftmaxLoss", examples(("sentence_A", "sentence_B"), LabelKind.CLASS), model=scratch_model())


def optimiser_of(trainables: Trainables) -> torch.optim.Optimizer:
    return build_adamw(trainables, learning_rate=1e-2, weight_decay=0.01)


def test_everything_trainable_comes_back_and_training_goes_on_alike(tmp_path: Path) -> None:
    made = softmax_engine()
    trainables = made.trainables
    optimizer = optimiser_of(trainables)
    start = {name: tensor.clone() for name, tensor in trainable_tensors(trainables).items()}
    made.step()
    optimizer.step()
    checkpoints = Checkpoints(tmp_path, keep=2)
    best = BestScore("dev/x", 0.5, 1, {"dev/x": 0.5})
    checkpoints.save(trainables, optimizer, TrainState(step=1, best=best, window={"steps": 1.0}))
    made.step(seed=8)
    optimizer.step()
    expected = {name: tensor.clone() for name, tensor in trainable_tensors(trainables).items()}
    moved = [name for name, tensor in expected.items() if not torch.equal(tensor, start[name])]
    assert set(moved) == set(expected), "every trainable parameter moves, the head's too"

    again = softmax_engine()
    trainables, optimizer = again.trainables, optimiser_of(again.trainables)
    optimizer = optimiser_of(trainables)
    checkpoint, problems = checkpoints.newest()
    assert checkpoint is not None
    assert problems == []
    assert checkpoint.state == TrainState(step=1, best=best, window={"steps": 1.0})
    restore(checkpoint, trainables, optimizer)
    again.step(seed=8)
    optimizer.step()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in trainable_tensors(trainables).items())


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    made = softmax_engine()
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (1, 2, 10, 9):
        checkpoints.save(made.trainables, optimiser_of(made.trainables), TrainState(step=step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000009", "step-000010"]


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["changed", "missing", "empty"])
def test_damage_to_any_file_is_noticed_and_the_one_before_is_used(tmp_path: Path, file: str, damage: str) -> None:
    made = softmax_engine()
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (1, 2):
        checkpoints.save(made.trainables, optimiser_of(made.trainables), TrainState(step=step))
    path = tmp_path / "step-000002" / file
    data = path.read_bytes()
    path.unlink() if damage == "missing" else path.write_bytes(b"" if damage == "empty" else b"\x00" + data[1:])
    checkpoint, (problem,) = checkpoints.newest()
    assert checkpoint is not None
    assert checkpoint.step == 1
    assert "step-000002 is damaged" in problem.message


def test_a_state_of_another_version_is_damage_not_a_crash(tmp_path: Path) -> None:
    made = softmax_engine()
    checkpoints = Checkpoints(tmp_path, keep=1)
    folder = checkpoints.save(made.trainables, optimiser_of(made.trainables), TrainState(step=1))
    state = json.loads((folder / "state.json").read_text()) | {"of_another_version": 1}
    (folder / "state.json").write_text(json.dumps(state))
    assert checkpoints.newest()[0] is None


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_weights(softmax_engine().trainables, tmp_path / "best")
    data = examples(("sentence_A", "sentence_B"), LabelKind.CLASS)
    other = engine("SoftmaxLoss", data, model=scratch_model("transformer?layers=1&width=32"))
    with pytest.raises(RunError, match="other parameters"):
        load_weights(other.trainables, tmp_path / "best")
    with pytest.raises(RunError, match="is missing"):
        load_weights(other.trainables, tmp_path / "nothing")


def test_the_best_steps_of_all_checkpoints_are_known(tmp_path: Path) -> None:
    made = softmax_engine()
    checkpoints = Checkpoints(tmp_path, keep=3)
    for step, best in ((1, 0), (2, 2), (3, 2)):
        state = TrainState(step=step, best=BestScore("dev/x", 0.1, best, {}))
        checkpoints.save(made.trainables, optimiser_of(made.trainables), state)
    assert checkpoints.best_steps() == {0, 2}
