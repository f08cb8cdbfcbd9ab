"""Wrong datasets on the path that `embtune train` takes: each is stopped with the column, the row and the remedy.

`pytest tests/wrong -s` prints them as a table, those that Sentence Transformers 6.2 was tried with by a star.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import wrong_cells
import wrong_files
import wrong_layouts
from right_data import RIGHT, Right
from wrong_data import Wrong, write_content, write_run

from embtune.config import load_config
from embtune.errors import EmbtuneError, Problem
from embtune.pipeline.check_format import check_config
from embtune.pipeline.job import read_inputs
from embtune.report.progress import Several

TRIED = (*wrong_layouts.TRIED, *wrong_cells.TRIED)
WRONG = (*TRIED, *wrong_layouts.ROLES, *wrong_cells.TEXT_CELLS, *wrong_cells.LABEL_CELLS, *wrong_files.FILES)
Told = dict[str, list[Problem]]


def stopped(config: Path) -> list[Problem]:
    """What training says before any model is touched; it must not get further."""
    with pytest.raises(EmbtuneError) as caught:
        read_inputs(load_config(str(config)), Several())
    return list(caught.value.problems)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Of each wrong dataset, what is said of it."""
    return {name(wrong): stopped(wrong.write(tmp_path_factory.mktemp("wrong"))) for wrong in WRONG}


def name(wrong: Wrong) -> str:
    return f"{wrong.what}, {wrong.loss if isinstance(wrong.loss, str) else 'guided'}"


@pytest.mark.parametrize("wrong", WRONG, ids=name)
def test_a_wrong_dataset_is_stopped_with_the_column_the_row_and_the_remedy(wrong: Wrong, told: Told) -> None:
    problems = told[name(wrong)]
    text = "\n".join(problem.render() for problem in problems)
    code, column, line, remedy = wrong.told.split(" | ")
    assert code in [problem.code for problem in problems], text
    assert column in text
    assert not line or f"{'dev.jsonl' if wrong.eval_rows else wrong.file}:{line}" in text
    assert any(remedy in (problem.hint or "") or remedy in problem.message for problem in problems), text


@pytest.mark.parametrize("wrong", WRONG, ids=name)
def test_check_format_stops_it_too(wrong: Wrong, tmp_path: Path) -> None:
    try:
        reports = check_config(str(wrong.write(tmp_path)), (), {}, Several())
    except EmbtuneError as error:
        codes = {problem.code for problem in error.problems}
    else:
        assert not all(report.ok for report in reports)
        return
    assert wrong.told.partition(" | ")[0] in codes


def test_there_are_more_than_forty_wrong_datasets_and_none_twice() -> None:
    assert len({name(wrong) for wrong in WRONG}) == len(WRONG) > 60


@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right.what)
def test_what_only_looks_wrong_is_read_as_it_was_meant(right: Right, tmp_path: Path) -> None:
    write_content(tmp_path / "rows.jsonl", right.rows)
    config = write_run(tmp_path, {"train": [{"path": "rows.jsonl"}]}, right.loss)
    (found,) = read_inputs(load_config(str(config)), Several()).train_sets
    label = {} if found.layout.label_column is None else {"label": found.layout.label_column}
    assert found.layout.columns | label == right.read
    assert len(found.examples) == len(right.rows)


def test_the_table_of_all_wrong_datasets(told: Told) -> None:
    lines = [f"{'  wrong':<60} {'where':<16} message -> remedy"]
    for wrong in WRONG:
        problem = told[name(wrong)][0]
        remedy = next(each.hint for each in told[name(wrong)] if each.hint)
        where = Path(str(problem.location)).name
        tried = "*" if wrong in TRIED else " "
        message = re.sub(r"/\S*/", "", problem.message)  # the folder of the test
        lines.append(f"{tried} {wrong.what:<58} {where:<16} {message} -> {remedy}")
    for right in RIGHT:
        lines.append(f"{'*' if right.tried else ' '} {right.what:<58} {'':<16} nothing is wrong: read as {right.read}")
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert all(" -> " in line or "nothing is wrong" in line for line in lines)
