"""`embtune list-losses` as a process: table, pages, filters, JSON."""

from __future__ import annotations

import json

import pytest
from command import imported_packages, run_embtune

from embtune.catalog import all_specs

NAMES = [spec.name for spec in all_specs()]
RANKING = ["CachedMultipleNegativesRankingLoss", "MultipleNegativesRankingLoss"]


def test_a_pipe_gets_tab_separated_lines_under_headings_and_nothing_else() -> None:
    done = run_embtune("list-losses")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == ["name", "recommended", "inputs", "label", "coupling", "needs"]
    assert {len(line) for line in lines} == {6}
    assert list(dict.fromkeys(line[0] for line in lines[1:])) == NAMES
    assert ["SoftmaxLoss", "no", "sentence_A, sentence_B", "class", "rows", "num_labels"] in lines


def test_json_is_one_document_with_every_loss() -> None:
    records = json.loads(run_embtune("list-losses", "--json").stdout)
    assert [record["name"] for record in records] == NAMES
    softmax = next(record for record in records if record["name"] == "SoftmaxLoss")
    assert softmax["formats"] == [{"roles": ["sentence_A", "sentence_B"], "label": "class"}]
    assert softmax["parameters"][0]["name"] == "num_labels"


def test_quiet_prints_names_alone() -> None:
    assert run_embtune("list-losses", "--quiet").stdout.split() == NAMES


@pytest.mark.parametrize(
    ("arguments", "names", "others"),
    [
        (["--inputs", "anchor,positive,negative"], [*RANKING, "TripletLoss", "MarginMSELoss"], ["CoSENTLoss"]),
        (["--inputs", "query, passage_1, passage_2, passage_3"], RANKING, ["TripletLoss"]),
        (["--labels", "score"], ["CoSENTLoss", "CosineSimilarityLoss"], [*RANKING, "ContrastiveLoss"]),
        (["--inputs", "sentence1,sentence2", "--labels", "binary"], ["ContrastiveLoss"], ["CoSENTLoss", "SoftmaxLoss"]),
        (["--labels", "margin"], ["MarginMSELoss"], ["DistillKLDivLoss", "MSELoss"]),
    ],
)
def test_filters_keep_the_losses_of_that_format(arguments: list[str], names: list[str], others: list[str]) -> None:
    done = run_embtune("list-losses", "--quiet", *arguments)
    found = done.stdout.split()
    assert done.returncode == 0
    assert set(names) <= set(found)
    assert set(others).isdisjoint(found)


def test_a_page_is_found_by_alias_and_shows_types_defaults_and_ranges() -> None:
    page = run_embtune("list-losses", "mnrl").stdout
    assert "scale: number > 0, default 20.0" in page
    assert "partition_mode: joint | per_direction, default joint" in page
    assert json.loads(run_embtune("list-losses", "mnrl", "--json").stdout)["name"] == "MultipleNegativesRankingLoss"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["TripetLoss"], "Did you mean 'TripletLoss'?"),
        (["--inputs", "ancor"], "did you mean anchor?"),
        (["--inputs", "anchor,label"], "'label' is no role of a text"),
        (["--labels", "scor"], "did you mean score?"),
        (["triplet", "--labels", "score"], "a page has no filter"),
    ],
)
def test_wrong_words_exit_2_and_name_the_right_one(arguments: list[str], message: str) -> None:
    done = run_embtune("list-losses", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_list_needs_neither_torch_nor_numpy() -> None:
    assert not imported_packages("list-losses", "--json") & {"torch", "transformers", "datasets", "numpy"}
