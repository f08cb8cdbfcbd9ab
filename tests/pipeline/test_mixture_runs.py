"""Runs over several training sets: each with its loss, batch size and share, and resumed bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from killed_run import STEPS, checkpoint_tensors, finish, killed
from small_run import TOPICS, small_config, write_pairs

from embtune.config import load_config
from embtune.config.words import MixtureStrategy
from embtune.errors import ConfigError
from embtune.pipeline.facts import plan_facts
from embtune.pipeline.job import Job, prepare
from embtune.pipeline.notes import notes
from embtune.report.progress_plain import PlainProgress, discard

QUIET = PlainProgress(discard)


def config(folder: Path, mixture: dict[str, object], **train: object) -> Path:
    """48 pairs and 12 scored pairs, the latter with a loss and a batch size of their own."""
    folder.mkdir(exist_ok=True)
    write_pairs(folder / "pairs.jsonl", rows=48)
    rows = [{"sentence_A": f"{a} {i}", "sentence_B": a, "score": i / 12} for i, a in enumerate([*TOPICS, "a", "b"])]
    (folder / "scored.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    scored = {"path": "scored.jsonl", "loss": "CoSENTLoss", "batch_size": 3}
    changes: dict[str, object] = {
        "model": {"name_or_path": "scratch:transformer?layers=1&width=16", "dropout": 0.1},
        "data": {"mixture": mixture, "train": [{"path": "pairs.jsonl"}, scored]},
        "train": {"max_steps": STEPS, "batch_size": 8, "learning_rate": 0.003, **train},
        "eval": {"on_start": False},
        "checkpoint": {"steps": 3},
        "logging": {"steps": 1},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(small_config(folder, **changes)), encoding="utf-8")
    return path


def planned(path: Path) -> Job:
    return prepare(load_config(path), QUIET, embed=False)


def order_of(job: Job) -> str:
    return "".join("ab"[batch.dataset] for batch in job.training.schedule.batches())


def test_the_plan_says_exactly_what_each_set_gives(tmp_path: Path) -> None:
    job = planned(config(tmp_path, {"temperature": 2.0}, max_steps=None, num_train_epochs=1))
    # shares sqrt(48) : sqrt(12) = 2 : 1 of 60 rows; passes begin anew after 12 rows, so 12 + 8 rows are 4 + 3 steps
    value = next(fact.value for fact in plan_facts(job) if fact.label == "mixture")
    assert value == {
        "strategy": "proportional",
        "temperature": 2.0,
        "pairs": {"rows": 40, "steps": 5, "passes": 0.8333},
        "scored": {"rows": 20, "steps": 7, "passes": 1.6667},
    }
    sizes = {number: [len(b.rows) for b in job.training.schedule.batches() if b.dataset == number] for number in (0, 1)}
    assert sorted(sizes[1]) == [2, 3, 3, 3, 3, 3, 3]
    assert sizes[0] == [8] * 5


def test_batches_come_in_the_order_asked_for(tmp_path: Path) -> None:
    orders = {
        strategy: order_of(planned(config(tmp_path, {"strategy": strategy.value}, max_steps=None, num_train_epochs=1)))
        for strategy in MixtureStrategy
    }
    assert orders[MixtureStrategy.ROUND_ROBIN] == "ababababaa"
    assert orders[MixtureStrategy.CONCATENATE] == "aaaaaabbbb"
    assert sorted(orders[MixtureStrategy.PROPORTIONAL]) == list("aaaaaabbbb")


def test_a_mixture_of_one_set_is_said_to_have_no_effect(tmp_path: Path) -> None:
    path = config(tmp_path, {"temperature": 3.0})
    text = yaml.safe_load(path.read_text())
    text["data"]["train"] = text["data"]["train"][:1]
    path.write_text(yaml.safe_dump(text))
    assert "data.mixture has no effect: there is one training set" in list(notes(planned(path)))


@pytest.mark.parametrize(
    ("mixture", "word"), [({"strategy": "robin"}, "round_robin"), ({"temperature": 0}, "greater than 0")]
)
def test_a_wrong_mixture_is_a_located_error(mixture: dict[str, object], word: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=word):
        load_config(config(tmp_path, mixture))


@pytest.mark.parametrize("strategy", ["round_robin", "concatenate"])
def test_a_killed_run_goes_on_bit_for_bit(strategy: str, tmp_path: Path) -> None:
    mixture: dict[str, object] = {"strategy": strategy, "temperature": 2.0}
    whole, ended = config(tmp_path / "whole", mixture), config(tmp_path / "ended", mixture)
    finish(whole)
    killed(ended, at_step=7)
    finish(ended)
    first, second = (checkpoint_tensors(tmp_path / name / "run") for name in ("whole", "ended"))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])
