"""`scripts/kills.py` sees what it looks for: whatever a disturbed run left otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from kill_directory import Directory, apart, differences
from safetensors.torch import save_file

LAST = "checkpoints/step-000002"


def finished(path: Path) -> Directory:
    """What a run of two steps left, without what nobody compares."""
    (path / LAST).mkdir(parents=True)
    (path / "model").mkdir()
    save_file({"w": torch.ones(2)}, path / LAST / "weights.safetensors")
    save_file({"w.exp_avg": torch.ones(2)}, path / LAST / "optimizer.safetensors")
    save_file({"w": torch.ones(2)}, path / "model" / "model.safetensors")
    events = [{"event": "step", "step": step, "loss": 0.5, "seconds": id(path)} for step in (1, 2)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return Directory(path)


def log(line: dict[str, object]) -> Callable[[Path], object]:
    def append(path: Path) -> None:
        with (path / "metrics.jsonl").open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    return append


def weights(name: str) -> Callable[[Path], object]:
    return lambda path: save_file({"w": torch.tensor([1.0, 1.0 + 1e-6])}, path / name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (weights(f"{LAST}/weights.safetensors"), "the last checkpoint differs by up to 9.5e-07"),
        (weights("model/model.safetensors"), "the model/model.safetensors differs by up to 9.5e-07"),
        (log({"event": "eval", "step": 2, "metrics": {}}), "the log's eval events differ"),
        (log({"event": "warning", "step": 2, "code": "replicas-differ"}), "the log's warning events differ"),
        (lambda path: (path / LAST).with_name(".step-000002.writing").mkdir(), "is left"),
        (lambda path: (path / "model" / "more.json").write_text(""), "is in one of them only"),
    ],
)
def test_what_is_otherwise_is_told(tmp_path: Path, change: Callable[[Path], object], told: str) -> None:
    undisturbed, run = finished(tmp_path / "undisturbed"), finished(tmp_path / "run")
    assert list(differences(run, undisturbed)) == []
    change(run.path)
    (found,) = differences(run, undisturbed)
    assert told in found


def test_a_warning_of_a_checkpoint_that_the_script_damaged_is_no_difference(tmp_path: Path) -> None:
    undisturbed, run = finished(tmp_path / "undisturbed"), finished(tmp_path / "run")
    log({"event": "warning", "step": 1, "code": "damaged-checkpoint"})(run.path)
    assert list(differences(run, undisturbed)) == []


def test_tensors_of_other_names_or_shapes_are_infinitely_apart() -> None:
    one = {"w": torch.zeros(2)}
    assert apart(one, one) == 0
    assert apart(one, {"v": torch.zeros(2)}) == float("inf")
    assert apart(one, {"w": torch.zeros(3)}) == float("inf")


def test_the_last_step_is_read_from_the_end_of_the_log(tmp_path: Path) -> None:
    assert Directory(tmp_path).logged_step == 0
    assert finished(tmp_path / "run").logged_step == 2
