"""Behaviour 5: `extends` deep-merges, lists replace, and every value keeps the place it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_text import BASE

from embtune.config import LoadedConfig, load_config
from embtune.errors import ConfigError, Problem


def write(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def origins(loaded: LoadedConfig) -> dict[str, str]:
    return {key: origin for key, _, origin in loaded.origins()}


def problem_of(path: Path) -> Problem:
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    (problem,) = raised.value.problems
    return problem


def test_precedence_is_defaults_base_file_command_line(tmp_path: Path) -> None:
    write(tmp_path, base=BASE + "seed: 1\ntrain: {batch_size: 1, max_steps: 1, weight_decay: 1}\n")
    write(tmp_path, top="extends: base.yaml\ntrain: {batch_size: 2, max_steps: 2}\n")
    train = load_config(tmp_path / "top.yaml", ["train.max_steps=3"]).config.train
    assert (train.weight_decay, train.batch_size, train.max_steps, train.learning_rate) == (1, 2, 3, 2e-5)


@pytest.mark.parametrize(
    ("key", "low", "high", "wanted"),
    [
        ("train.weight_decay", "0.5", "0", 0.0),
        ("eval.on_start", "true", "false", False),
        ("model.prompts.query", "a", '""', ""),
        ("train.max_grad_norm", "2.0", "null", None),
        ("eval.steps", "5", "null", None),
    ],
)
def test_falsy_values_win_like_any_other(tmp_path: Path, key: str, low: str, high: str, wanted: object) -> None:
    *sections, last = key.split(".")
    opening, closing = "".join(f"{section}: {{" for section in sections), "}" * len(sections)
    write(tmp_path, base=BASE, mid=f"extends: base.yaml\n{opening}{last}: {low}{closing}\n")
    write(tmp_path, top=f"extends: mid.yaml\n{opening}{last}: {high}{closing}\n")
    for loaded in (load_config(tmp_path / "top.yaml"), load_config(tmp_path / "mid.yaml", [f"{key}={high}"])):
        assert next(value for dotted, value, _ in loaded.origins() if dotted == key) == wanted


def test_lists_replace(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, top="extends: base.yaml\ndata: {train: [{path: b.jsonl}, {path: c.jsonl}]}\n")
    names = [entry.name for entry in load_config(tmp_path / "top.yaml").config.data.train]
    assert names == ["b", "c"]


def test_a_loss_of_another_name_replaces_and_of_the_same_name_merges(tmp_path: Path) -> None:
    write(tmp_path, base=BASE.replace("cosent", "{name: CoSENTLoss, scale: 30}"))
    write(tmp_path, same="extends: base.yaml\nloss: {similarity_fct: dot}\n")
    write(tmp_path, other="extends: base.yaml\nloss: {name: TripletLoss, triplet_margin: 1}\n")
    assert load_config(tmp_path / "same.yaml").resolved()["loss"] == {
        "name": "CoSENTLoss", "weight": 1.0, "scale": 30.0, "similarity_fct": "dot",
    }  # fmt: skip
    assert load_config(tmp_path / "other.yaml").config.loss[0].spec.name == "TripletLoss"


def test_origins_name_file_line_default_and_command_line(tmp_path: Path) -> None:
    write(tmp_path, base=BASE + "seed: 1\n", top="extends: base.yaml\ntrain:\n  batch_size: 2\n")
    found = origins(load_config(tmp_path / "top.yaml", ["logging.steps=7"]))
    assert found["seed"] == f"{tmp_path / 'base.yaml'}:5"
    assert found["train.batch_size"] == f"{tmp_path / 'top.yaml'}:3"
    assert found["train.learning_rate"] == "default"
    assert found["logging.steps"] == "<command line>"


def test_data_paths_start_at_the_file_that_wrote_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shared", base=BASE)
    write(tmp_path / "runs", top="extends: ../shared/base.yaml\ndata: {eval: [{path: dev.jsonl}]}\n")
    monkeypatch.chdir(tmp_path)
    data = load_config("runs/top.yaml").config.data
    assert data.train[0].path == str(tmp_path / "shared" / "a.jsonl")
    assert data.eval[0].path == str(tmp_path / "runs" / "dev.jsonl")
    data = load_config("runs/top.yaml", ["data.eval.0.path=dev.jsonl"]).config.data
    assert data.eval[0].path == str(tmp_path / "dev.jsonl")


def test_hub_ids_stay_what_they_are_unless_a_file_is_there(tmp_path: Path) -> None:
    write(tmp_path, c=BASE.replace("a.jsonl", "owner/name"))
    assert load_config(tmp_path / "c.yaml").config.data.train[0].path == "owner/name"
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert load_config(tmp_path / "c.yaml").config.data.train[0].path == str(tmp_path / "owner" / "name")


def test_a_mistake_in_the_base_is_told_in_the_base(tmp_path: Path) -> None:
    write(tmp_path, base=BASE + "sead: 1\n", top="extends: base.yaml\n")
    assert str(problem_of(tmp_path / "top.yaml").location) == f"{tmp_path / 'base.yaml'}:5:1"


def test_a_cycle_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, a="extends: b.yaml\n", b="extends: a.yaml\n")
    problem = problem_of(tmp_path / "a.yaml")
    assert (problem.code, str(problem.location)) == ("extends-cycle", f"{tmp_path / 'b.yaml'}:1:10")


def test_a_missing_base_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, top=BASE + "extends: bse.yaml\n")
    problem = problem_of(tmp_path / "top.yaml")
    assert (problem.code, str(problem.location)) == ("no-such-file", f"{tmp_path / 'top.yaml'}:5:10")
    assert problem.hint == f"did you mean {tmp_path / 'base.yaml'}?"


@pytest.mark.parametrize("value", ["3", "[a.yaml]", "''", "null"])
def test_extends_is_one_path(tmp_path: Path, value: str) -> None:
    write(tmp_path, top=BASE + f"extends: {value}\n")
    assert problem_of(tmp_path / "top.yaml").code == "wrong-type"


def test_a_broken_base_does_not_make_missing_keys(tmp_path: Path) -> None:
    write(tmp_path, base=BASE + "seed: [\n", top="extends: base.yaml\n")
    assert problem_of(tmp_path / "top.yaml").code == "yaml-syntax"
