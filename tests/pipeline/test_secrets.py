"""What is in the environment, and what the config takes from there, is in no file of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import REPOSITORY

from embtune.config import load_config
from embtune.config.hiding import SHORTEST, checksums, hide
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress

CANARIES = {
    name: f"canary-{name.lower().replace('_', '-')}-4711"
    for name in ("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "USED_IN_CONFIG", "NAME_OF_SET")
}
CONFIG = """
output_dir: out
model: {name_or_path: 'scratch:static?width=8&vocab=80'}
data:
  train: [{name: '${env:NAME_OF_SET}', path: '${env:USED_IN_CONFIG}/data.jsonl'}]
  eval: [{name: dev, path: '${env:USED_IN_CONFIG}/dev.jsonl'}]
  on_bad_row: skip
loss: MultipleNegativesRankingLoss
train: {max_steps: 2, batch_size: 2}
logging: {steps: 1}
checkpoint: {steps: 1}
"""
ROWS = (("a man eats", "a person eats"), ("two dogs run", "dogs are running"), ("it rains", "the weather is wet"))


def write_run(folder: Path) -> None:
    data = folder / CANARIES["USED_IN_CONFIG"]
    data.mkdir()
    lines = [json.dumps({"anchor": a, "positive": p}) for a, p in ROWS]
    (data / "data.jsonl").write_text("\n".join([*lines, '{"anchor": null, "positive": "x"}']))
    (data / "dev.jsonl").write_text("\n".join(lines))
    (folder / "c.yaml").write_text(CONFIG)


def train(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "embtune", "train", "c.yaml", *words]
    environ = os.environ | CANARIES | {"PYTHONPATH": str(REPOSITORY)} | variables
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False)


def test_no_canary_is_in_any_file_of_a_run_and_the_run_knows_its_variables(tmp_path: Path) -> None:
    write_run(tmp_path)
    done = train(tmp_path)
    assert done.returncode == 0, done.stderr
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {"run.json", "train.log", "metrics.jsonl", "README.md", "config.resolved.yaml"} <= {f.name for f in files}
    found = [(path.name, name) for path in files for name, c in CANARIES.items() if c.encode() in path.read_bytes()]
    assert not found
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert [each["name"] for each in record["variables"]] == ["NAME_OF_SET", "USED_IN_CONFIG"]
    assert record["trust_remote_code"] is False
    resolved = (tmp_path / "out" / "config.resolved.yaml").read_text()
    assert "${env:USED_IN_CONFIG}/data.jsonl" in resolved
    again = load_config(tmp_path / "out" / "config.resolved.yaml", environ=CANARIES)
    assert again.config == load_config(tmp_path / "c.yaml", environ=CANARIES).config

    (tmp_path / "out" / "run.json").write_text(json.dumps(record | {"status": "stopped"}))
    other = train(tmp_path, NAME_OF_SET="canary-another-4711")
    assert other.returncode == 2
    assert "another value of the environment variable NAME_OF_SET" in other.stderr


def test_the_path_of_a_model_is_printed_whole_though_the_record_hides_a_part(tmp_path: Path) -> None:
    write_run(tmp_path)
    done = train(tmp_path, "--set", "output_dir=${env:USED_IN_CONFIG}/out", "--set", "data.eval=[]")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{CANARIES['USED_IN_CONFIG']}/out/model\n"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_of_a_run_have_the_permissions_that_the_user_gives(
    umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = os.umask(umask)
    try:
        run_training(load_config("c.yaml", environ=CANARIES), TrainRequest(), PlainProgress(lambda text: None))
    finally:
        os.umask(before)
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    wrong = {
        f"{path.name}: {path.stat().st_mode & 0o777:o}"
        for path in paths
        if path.stat().st_mode & 0o777 != (0o777 if path.is_dir() else 0o666) & ~umask
    }
    assert not wrong


def test_values_are_hidden_as_they_are_and_as_json_spells_them() -> None:
    variables = {"PASSWORD": 'quo"te\\and more', "SHORT": "x" * (SHORTEST - 1), "LONG": "quo"}
    assert hide(f"a {variables['PASSWORD']} b", variables) == "a ${env:PASSWORD} b"
    assert hide(json.dumps(variables["PASSWORD"]), variables) == '"${env:PASSWORD}"'
    assert hide(variables["SHORT"], variables) == variables["SHORT"]


def test_of_two_values_the_longer_one_is_hidden() -> None:
    assert hide("secret-and-more", {"A": "secret-and", "B": "secret-and-more"}) == "${env:B}"


def test_checksums_tell_values_apart_and_hold_too_little_to_find_them() -> None:
    first, second = (checksums({"A": value})["A"] for value in ("a long secret", "another secret"))
    assert first != second
    assert len(first) == 4
    assert checksums({"A": "short"}) == {}
