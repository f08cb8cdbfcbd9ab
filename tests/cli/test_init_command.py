"""`embtune init` as a process: the config on stdout or in a file, what people should know on stderr."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import get_args

import typer
from command import run_embtune

from embtune.cli.init import command
from embtune.config import load_config

MODEL = ("--model", "scratch:static?width=16&vocab=500")
OPTIONS = {"-o", "--model", "--json", "--quiet", "-q", "--verbose", "-v", "--traceback"}


def write_pairs(path: Path) -> Path:
    rows = [{"question": f"what is number {i}", "answer": f"it is {i} of them"} for i in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_its_options_are_these() -> None:
    found = set()
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        for each in get_args(parameter.annotation):
            if isinstance(each, typer.models.OptionInfo):
                found |= {str(each.default), *(each.param_decls or ())}  # typer takes the first name for a default
    assert found == OPTIONS


def test_the_config_is_printed_or_written_and_an_old_one_stays(tmp_path: Path) -> None:
    data, out = write_pairs(tmp_path / "pairs.jsonl"), tmp_path / "config.yaml"
    printed = run_embtune("init", data, *MODEL)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("# Fine-tunes scratch:static?width=16&vocab=500 on pairs: anchor, positive.\n")
    assert printed.stderr.splitlines()[0] == "pairs: anchor, positive; MultipleNegativesRankingLoss"
    written = run_embtune("init", data, *MODEL, "-o", out, "--quiet")
    assert (written.returncode, written.stdout, written.stderr) == (0, f"{out}\n", "")
    assert load_config(out).config.data.train[0].hold_out == 4
    again = run_embtune("init", data, "-o", out)
    assert (again.returncode, again.stdout) == (2, "")
    assert f"{out} is there already, and is not overwritten" in again.stderr


def test_data_that_is_not_there_is_a_mistake_with_a_place(tmp_path: Path) -> None:
    done = run_embtune("init", tmp_path / "nothing.jsonl", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such file or folder" in done.stderr
