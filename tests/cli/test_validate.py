"""`embtune validate` as a process: exit codes, what is on stdout, origins, standard input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import imported_packages, run_embtune

CONFIG = """\
output_dir: runs/test
model: {name_or_path: "scratch:"}
data: {train: [{name: pairs, path: pairs.jsonl, columns: {anchor: question, positive: answer}}]}
loss: MultipleNegativesRankingLoss
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_a_valid_config_is_told_on_stderr_alone(config: Path) -> None:
    result = run_embtune("validate", "config.yaml", cwd=config.parent)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        "config.yaml: valid",
        "not checked: the data, the losses against the data, the model; embtune check-format CONFIG reads the data, "
        "embtune train CONFIG --dry-run all of it",
    ]
    assert run_embtune("validate", "config.yaml", "--quiet", cwd=config.parent).stderr == ""


def test_json_is_one_document_with_every_value(config: Path) -> None:
    result = run_embtune("validate", config, "--json", "--show-origins", "--set", "train.batch_size=8")
    document = json.loads(result.stdout)
    assert document["valid"] is True
    assert document["not_checked"] == ["the data", "the losses against the data", "the model"]
    assert document["config"]["train"]["batch_size"] == 8
    origins = {row["key"]: (row["value"], row["origin"]) for row in document["origins"]}
    assert origins["train.batch_size"] == (8, "<command line>")
    assert origins["output_dir"] == ("runs/test", f"{config}:1")
    assert origins["seed"] == (42, "default")


def test_show_origins_prints_each_value_with_where_it_came_from(config: Path) -> None:
    result = run_embtune("validate", "config.yaml", "--show-origins", "--set", "seed=7", cwd=config.parent)
    rows = dict(line.split("  # ") for line in result.stdout.splitlines() if "  # " in line)
    found = {key.rstrip(): origin for key, origin in rows.items()}
    assert found["seed: 7"].strip() == "<command line>"
    assert found["loss.name: MultipleNegativesRankingLoss"].strip() == "config.yaml:4"
    assert found["train.learning_rate: 2e-5"].strip() == "default"


def test_standard_input_is_a_config_too(config: Path) -> None:
    result = run_embtune("validate", "-", stdin=CONFIG, cwd=config.parent)
    assert (result.returncode, result.stderr.splitlines()[0]) == (0, "<stdin>: valid")
    result = run_embtune("validate", "-", stdin=CONFIG + "sead: 3\n", cwd=config.parent)
    assert result.stderr.startswith("<stdin>:5:1: error[unknown-key]")


def test_variables_of_the_process_are_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBTUNE_TEST_SEED", "7")
    result = run_embtune("validate", config, "--json", "--set", "seed=${env:EMBTUNE_TEST_SEED}")
    assert json.loads(result.stdout)["config"]["seed"] == 7


def test_what_verbose_prints_validates_again(config: Path) -> None:
    first = run_embtune("validate", config, "-v")
    again = run_embtune("validate", "-", "-v", stdin=first.stdout)
    assert again.stdout == first.stdout


def test_an_override_that_is_wrong_is_located_on_the_command_line(config: Path) -> None:
    result = run_embtune("validate", config, "--set", "train.learning_rat=1")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "<command line>: error[unknown-key]: train.learning_rat: unknown key 'learning_rat'\n"
        "  help: did you mean 'learning_rate'?\n"
    )


@pytest.mark.parametrize("words", [("config.yaml", "--set", "seed", "7"), ("--set", "seed", "7", "config.yaml")])
def test_a_key_and_a_value_in_two_words_are_answered_with_one(config: Path, words: tuple[str, ...]) -> None:
    result = run_embtune("validate", *words, cwd=config.parent)
    assert (result.returncode, result.stdout) == (2, "")
    assert "write --set seed=VALUE, in one word" in result.stderr


def test_nothing_heavy_is_imported(config: Path) -> None:
    heavy = {"torch", "transformers", "datasets", "numpy", "rich", "scipy", "sklearn"}
    assert not imported_packages("validate", config) & heavy
