"""`embtune label` as a process: what it prints, and what is left when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from command import REPOSITORY, run_embtune

from embtune.model.load import load_model
from embtune.model.save import save_model

ROWS = 30_000


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """Texts and a teacher that is fast."""
    folder = tmp_path_factory.mktemp("label")
    texts = [f"text {number} of many {number % 97}" for number in range(ROWS)]
    save_model(load_model("scratch:static?width=8", scratch_texts=lambda: texts[:500]), folder / "teacher")
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return ["label", str(folder / "texts.jsonl"), "--model", str(folder / "teacher"), "--for", "mse", "-o"]


def test_killed_and_started_again_it_writes_what_an_undisturbed_one_writes(
    arguments: Sequence[str], tmp_path: Path
) -> None:
    assert run_embtune(*arguments, tmp_path / "whole").returncode == 0
    process = subprocess.Popen([sys.executable, "-m", "embtune", *arguments, tmp_path / "out"], cwd=REPOSITORY)
    first = tmp_path / ".out.parts" / "part-00000.parquet"
    while not first.exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    written = first.stat().st_mtime_ns
    assert not (tmp_path / "out").exists()
    done = run_embtune(*arguments, tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["rows"] == ROWS
    assert record["rows_found"] % 4096 == 0
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert all((tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names)
    assert record["rows_found"] == 0 or (tmp_path / "out" / first.name).stat().st_mtime_ns == written


def test_rows_go_from_standard_input_to_standard_output(arguments: Sequence[str]) -> None:
    stdin = '{"text": "text 1", "id": 5}\n{"text": "text 2", "id": 6}\n'
    done = run_embtune("label", "-", *arguments[2:], "-", "--quiet", stdin=stdin)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["text"], row["id"], len(row["embedding"])) for row in rows] == [("text 1", 5, 8), ("text 2", 6, 8)]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "options",
    [
        ["-", "--json"],
        ["x.jsonl", "--columns", "text"],
        ["x.jsonl", "--columns", "{text: [a"],
        ["x.jsonl", "--prompts", "{nobody: query}"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error_with_a_remedy(options: list[str], arguments: Sequence[str]) -> None:
    done = run_embtune(*arguments, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error[" in done.stderr
    assert "Traceback" not in done.stderr
