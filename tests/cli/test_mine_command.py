"""`embtune mine` as its users meet it."""

from __future__ import annotations

import inspect
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from command import REPOSITORY, run_embtune
from mine_reference import made_rows, write_lines, write_rows

from embtune.cli.mine import command
from embtune.errors import UsageError
from embtune.model.load import load_model
from embtune.model.save import save_model

OPTIONS = {
    "--model", "--output", "-o", "--corpus", "--to", "--negatives", "--ranks", "--scores", "--margin",
    "--relative-margin", "--sampling", "--rescore", "--with-scores", "--seed", "--progress", "--json", "--quiet",
    "-q", "--verbose", "-v", "--traceback",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows to mine for and a static model."""
    folder = tmp_path_factory.mktemp("mine")
    rows = made_rows()
    write_rows(folder / "rows.jsonl", rows)
    texts = [text for row in rows for text in row]
    save_model(load_model("scratch:static?width=16&vocab=200", scratch_texts=lambda: texts), folder / "model")
    return folder


def test_its_options_are_these() -> None:
    found = set()
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        for each in get_args(parameter.annotation):
            if isinstance(each, typer.models.OptionInfo):
                found |= {str(each.default), *(each.param_decls or ())}  # typer takes the first name for a default
    assert found == OPTIONS


def test_it_prints_where_the_rows_are_and_tells_people_what_was_mined(folder: Path) -> None:
    done = run_embtune(
        "mine", folder / "rows.jsonl", "--model", folder / "model", "-o", folder / "out.jsonl", "--margin", "0.5"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder / 'out.jsonl'}\n"
    assert "negatives for" in done.stderr
    assert "Loosen --margin (it removed" in done.stderr
    assert len((folder / "out.jsonl").read_text().splitlines()) > 10


def test_standard_input_to_standard_output_is_data_alone(folder: Path) -> None:
    arguments = [
        "mine",
        "-",
        "--model",
        str(folder / "model"),
        "-o",
        "-",
        "--to",
        "n-tuples",
        "--negatives",
        "2",
        "--quiet",
    ]
    done = run_embtune(*arguments, stdin=(folder / "rows.jsonl").read_text())
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(row) for row in rows] == [["anchor", "positive", "negatives"]] * 40
    assert done.stderr == ""


def test_json_is_one_document_of_counts(folder: Path) -> None:
    done = run_embtune("mine", folder / "rows.jsonl", "--model", folder / "model", "-o", folder / "o.jsonl", "--json")
    found = json.loads(done.stdout)
    assert found["output"] == str(folder / "o.jsonl")
    assert found["negatives"] == found["rows"] == 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ranks": "5"}, "'5' is no range A:B"),
        ({"ranks": "9:3"}, "'9:3' is no range A:B"),
        ({"ranks": "0:3"}, "'0:3' is no range A:B"),
        ({"ranks": "1.5:3"}, "no range of whole numbers"),
        ({"scores": "a:b"}, "'a:b' is no range A:B"),
        ({"margin": math.nan}, "no number to compare with"),
        ({"ranks": "3:4", "negatives": 3}, "leaves room for 2 of 3 negatives"),
        ({"as_json": True, "output": "-"}, "both want standard output"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        command(**{"data": "no.jsonl", "model": "no", "output": "out.jsonl", **options})


def test_a_killed_mine_goes_on_with_the_vectors_it_had_made(folder: Path, tmp_path: Path) -> None:
    corpus = write_lines(tmp_path / "corpus.jsonl", [{"text": f"passage {number} of many"} for number in range(30_000)])
    cache = tmp_path / "cache"
    arguments = ["mine", folder / "rows.jsonl", "--model", folder / "model", "--corpus", corpus, "-o"]
    environment = {**os.environ, "EMBTUNE_CACHE": str(cache)}
    line = [sys.executable, "-m", "embtune", *map(str, arguments)]
    process = subprocess.Popen(
        [*line, str(tmp_path / "killed.jsonl")], cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL
    )
    while len(list(cache.glob("vectors/[!.]*/manifest.json"))) < 3:  # the anchors' and two of the corpus
        assert process.poll() is None, "it ended too early"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    made = {path: path.stat().st_mtime_ns for path in cache.glob("vectors/[!.]*/manifest.json")}
    assert not (tmp_path / "killed.jsonl").exists()
    assert not list(cache.glob("tmp*"))
    for cache_folder, out in ((cache, "continued.jsonl"), (tmp_path / "other", "undisturbed.jsonl")):
        environment["EMBTUNE_CACHE"] = str(cache_folder)
        subprocess.run([*line, str(tmp_path / out)], cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert (tmp_path / "continued.jsonl").read_bytes() == (tmp_path / "undisturbed.jsonl").read_bytes()
