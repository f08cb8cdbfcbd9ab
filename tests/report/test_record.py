import getpass
import json
import math
import os
import socket
import subprocess
from pathlib import Path

import embtune
from embtune.report.facts import Fact
from embtune.report.record import DataRecord, RunRecord, RunResult, git_state, installed_versions


def record() -> RunRecord:
    data = DataRecord("nq", "data/nq.jsonl", "train", ("anchor", "positive"), "none", 12, 1, "abc")
    plan = (Fact("negatives per anchor", 127), Fact("batch", 64, "64 rows"))
    return RunRecord(("train", "a.yaml"), 42, 1, "cpu", (data,), plan)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_plan_in_the_record_has_the_facts_under_their_labels(tmp_path: Path) -> None:
    record().write(tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text())["plan"] == {"negatives_per_anchor": 127, "batch": 64}


def test_a_finished_record_says_so_and_holds_no_nan(tmp_path: Path) -> None:
    result = RunResult(
        model="model",
        steps=10,
        seconds=1.5,
        tokens=100,
        tokens_per_second=66.7,
        peak_memory_bytes=None,
        metrics_before={"dev/map": math.nan},
        metrics_after={"dev/map": 0.5},
        metrics_last={"dev/map": 0.4},
    )
    record().ended_as("finished", result).write(tmp_path / "run.json")
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["status"] == "finished"
    assert content["result"]["metrics_before"] == {"dev/map": None}
    assert content["ended"] >= content["started"]


def test_the_record_names_no_user_host_home_or_environment() -> None:
    text = json.dumps(record().as_json())
    words = [getpass.getuser(), socket.gethostname(), os.environ.get("HOME", ""), os.environ.get("PATH", "")]
    assert [word for word in words if len(word) > 4 and word in text] == []


def test_versions_name_embtune_and_pass_over_what_is_not_installed() -> None:
    versions = installed_versions(["numpy", "no-such-package-at-all"])
    assert versions["embtune"] == embtune.__version__
    assert "numpy" in versions
    assert "no-such-package-at-all" not in versions


def test_git_state_is_the_commit_and_whether_tracked_files_differ(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.yaml").write_text("1")
    git(tmp_path, "add", "a.yaml")
    git(tmp_path, "commit", "-q", "-m", "first")
    (tmp_path / "untracked").write_text("1")
    state = git_state(tmp_path)
    assert state is not None
    assert (state.commit, state.modified) == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "a.yaml").write_text("2")
    changed = git_state(tmp_path)
    assert changed is not None
    assert changed.modified


def test_a_folder_without_git_has_no_git_state(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    assert git_state(tmp_path / "not there") is None
