"""Problems that are found later, by data or model, are located in the config too."""

from __future__ import annotations

from config_text import excerpt, load

from embtune.config.tree import KeyPath
from embtune.errors import Problem

TEXT = """\
output_dir: r
model: {name_or_path: m}
data:
  train:
    - name: nq
      path: a.jsonl
      columns: {anchor: query}
loss:
  name: MultipleNegativesRankingLoss
modifiers:
  - name: MatryoshkaLoss
    dims: [8, 4]
"""


def problem(*key: str | int, sets: tuple[str, ...] = ()) -> Problem:
    path: KeyPath = key
    return load(TEXT, *sets).problem(path, "code", "message", "hint")


def test_a_value_is_located() -> None:
    found = problem("data", "train", 0, "columns", "anchor")
    assert excerpt(found) == "query"
    assert found.render() == (
        "<stdin>:7:25: error[code]: message\n"
        "    7 |       columns: {anchor: query}\n"
        "      |                         ^^^^^\n"
        "  help: hint"
    )


def test_a_key_that_is_not_written_is_located_at_its_nearest_parent() -> None:
    assert excerpt(problem("data", "train", 0, "prompts", "anchor")) == "name: nq"
    assert excerpt(problem("model", "dense", "out_features")) == "model"
    assert str(problem("train", "batch_size").location) == "<stdin>:1:1"


def test_a_single_loss_is_found_by_its_index_too() -> None:
    assert excerpt(problem("loss", 0, "name")) == "MultipleNegativesRankingLoss"
    assert excerpt(problem("loss", 0, "scale")) == "loss"
    assert excerpt(problem("modifiers", 0, "dims", 1)) == "4"


def test_a_value_from_the_command_line_is_located_there() -> None:
    found = problem("loss", 0, "scale", sets=("loss.scale=3",))
    assert found.render().startswith("<command line>: error[code]")
