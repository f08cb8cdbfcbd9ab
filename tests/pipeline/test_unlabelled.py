"""Plain texts, no labels: whole runs of the losses that make their own rows, towers and decoders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from killed_run import STEPS, Case, checkpoint_tensors, config_of, finish, killed
from torch import Tensor

from embtune.config import load_config
from embtune.errors import ConfigError
from embtune.pipeline.job import prepare
from embtune.report.progress_plain import PlainProgress, discard
from embtune.train.loop import train
from embtune.train.state import TrainState

TRANSFORMER, STATIC = "scratch:transformer?layers=2&width=32", "scratch:static?width=16"
UNLABELLED = ("ContrastiveTensionLoss", "ContrastiveTensionLossInBatchNegatives", "DenoisingAutoEncoderLoss")


def trained(config: Path, steps: int) -> tuple[dict[str, Tensor], dict[str, Tensor], list[float]]:
    """Everything trainable before and after some steps, and the losses on the way."""
    job = prepare(load_config(config), PlainProgress(discard))
    trainables = job.training.trainables
    before = {name: parameter.detach().clone() for name, parameter in trainables.trainable()}
    reports = train(job.training, TrainState())
    losses = [next(reports).loss for _ in range(steps)]
    return before, {name: parameter.detach() for name, parameter in trainables.trainable()}, losses


@pytest.mark.parametrize("model", [TRANSFORMER, STATIC])
@pytest.mark.parametrize("loss", UNLABELLED)
def test_everything_trainable_moves_and_the_loss_falls(tmp_path: Path, loss: str, model: str) -> None:
    before, after, losses = trained(config_of(Case("text", loss), tmp_path, model=model), STEPS)
    assert before.keys() == after.keys()
    # attention to a single vector is 1 whatever query and key are: they have no gradient, their weights only decay
    choosing = ("crossattention.self.query", "crossattention.self.key")
    still = [name for name in before if torch.equal(before[name], after[name]) and not any(c in name for c in choosing)]
    assert not still
    # with plain means and no dropout the twins of a static model tell all texts apart from the start
    assert losses[-1] < losses[0] or losses[0] < 0.01


def test_the_twin_starts_as_the_model_and_goes_its_own_way(tmp_path: Path) -> None:
    before, after, _ = trained(config_of(Case("text", UNLABELLED[0]), tmp_path), 3)
    twins = [name for name in before if name.startswith("towers.twin.")]
    assert twins
    for name in twins:
        model = name.replace("towers.twin.", "towers.model.")
        assert torch.equal(before[name], before[model])
        assert not torch.equal(after[name], after[model])


@pytest.mark.parametrize("other", [UNLABELLED[1], UNLABELLED[2], "GlobalOrthogonalRegularizationLoss"])
def test_losses_that_want_different_rows_of_the_same_texts_are_refused(tmp_path: Path, other: str) -> None:
    config = config_of(Case("text", [UNLABELLED[0], other]), tmp_path)
    with pytest.raises(ConfigError, match="different rows"):
        prepare(load_config(config), PlainProgress(discard))


def test_noise_that_needs_a_mask_token_is_refused_where_there_is_none(tmp_path: Path) -> None:
    masked = {"name": UNLABELLED[2], "noise": "mask"}
    with pytest.raises(ConfigError, match="no mask token"):
        prepare(load_config(config_of(Case("text", masked), tmp_path, model=STATIC)), PlainProgress(discard))


def test_each_loss_of_a_list_sees_the_views_it_asked_for(tmp_path: Path) -> None:
    """Both losses look for their only view of a tower, and the other has views of it too."""
    losses = ["ContrastiveTensionLoss", "ContrastiveLoss", "GlobalOrthogonalRegularizationLoss"]
    config = config_of(Case("pairs of equal and different texts", losses), tmp_path)
    _, _, steps = trained(config, 2)
    assert len(steps) == 2


def test_a_length_beyond_the_models_positions_is_refused(tmp_path: Path) -> None:
    config = config_of(Case("text", UNLABELLED[2]), tmp_path)
    loaded = load_config(config, ["model.max_seq_length={text: 5000}"])
    with pytest.raises(ConfigError, match="positions"):
        prepare(loaded, PlainProgress(discard))


def test_made_pairs_leave_batch_size_as_the_number_of_pairs(tmp_path: Path) -> None:
    job = prepare(load_config(config_of(Case("text", UNLABELLED[0]), tmp_path)), PlainProgress(discard))
    task = job.training.tasks[0]
    rows = job.training.schedule.at(0).batch.rows
    made, numbers = task.of_step(rows, seed=1)
    assert (len(rows), made.size, len(numbers)) == (15, 8, 8)
    assert job.training.schedule.steps_per_epoch == 60 // 15


STATEFUL = (
    Case("pairs with a class", "SoftmaxLoss"),
    Case("text", "ContrastiveTensionLoss"),
    Case("text", "ContrastiveTensionLossInBatchNegatives"),
    Case("text", "DenoisingAutoEncoderLoss"),
)


@pytest.mark.parametrize("case", STATEFUL, ids=lambda case: str(case.loss))
def test_heads_twins_and_decoders_go_on_bit_for_bit_after_a_kill(tmp_path: Path, case: Case) -> None:
    undisturbed, other = tmp_path / "undisturbed", tmp_path / "killed"
    finish(config_of(case, undisturbed))
    killed(config_of(case, other), at_step=7)
    assert not (other / "run" / "model").exists()
    finish(config_of(case, other))
    wanted, found = checkpoint_tensors(undisturbed / "run"), checkpoint_tensors(other / "run")
    assert wanted.keys() == found.keys()
    assert all((wanted[name] == found[name]).all() for name in wanted)
