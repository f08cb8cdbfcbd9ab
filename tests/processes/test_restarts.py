"""A process that is killed costs the steps since the last checkpoint, and nobody's time, where that is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command import REPOSITORY
from process_command import ARGUMENTS, logged_step, pid_of, start, wait_for
from safetensors.numpy import load_file
from small_run import write_config

pytestmark = [
    pytest.mark.distributed,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find processes"),
]
STEPS = {"max_steps": 120, "batch_size": 8, "learning_rate": 0.003}
SETTINGS = {
    "model": {"name_or_path": "scratch:static?width=16"},
    "train": STEPS,
    "eval": {"steps": 40},
    "checkpoint": {"steps": 40},
}
SILENT = ("--progress", "none")  # nobody reads what it says before it ends
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1"]


def kill(launcher: subprocess.Popen[str], run: Path, rank: int, step: int) -> None:
    """Kill a process when the run has come to a step."""
    wait_for(lambda: logged_step(run, step), launcher)
    subprocess.run(["kill", "-9", str(pid_of(rank, launcher))], check=True)


def assert_same_bits(run: Path, other: Path) -> None:
    """The weights and every number of the log that is no time."""
    left, right = (load_file(each / "checkpoints/step-000120/weights.safetensors") for each in (run, other))
    assert all((left[name] == right[name]).all() for name in right)
    assert curve(run) == curve(other)


def curve(run: Path) -> list[tuple[object, ...]]:
    """Steps and evaluations."""
    events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    kept = ("event", "step", "loss", "grad_norm", "tokens", "metrics")
    return [tuple(str(each.get(key)) for key in kept) for each in events if each["event"] in ("step", "eval")]


def warnings(run: Path) -> list[str]:
    """The codes of the warnings in the log."""
    events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [each["code"] for each in events if each["event"] == "warning"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by two processes that nobody killed."""
    config = write_config(tmp_path_factory.mktemp("undisturbed"), **SETTINGS)
    stderr = start(config, "--nproc", "2").communicate()[1]
    assert (config.parent / "run" / "model").exists(), stderr
    return config.parent / "run"


def test_a_killed_process_is_replaced_and_the_run_ends_as_if_nothing_had_been(
    tmp_path: Path, undisturbed: Path
) -> None:
    process = start(write_config(tmp_path, **SETTINGS), "--nproc", "2", "--max-restarts", "1")
    kill(process, tmp_path / "run", rank=1, step=50)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (0, f"{tmp_path / 'run' / 'model'}\n"), stderr
    assert "warning[restarting]: process 1 was ended by SIGKILL; all are started again" in stderr
    assert "going on after step 40" in stderr
    assert "restarted" in warnings(tmp_path / "run")
    assert "(restart 1)" in (tmp_path / "run" / "train.log").read_text()
    assert_same_bits(tmp_path / "run", undisturbed)


def test_restarts_are_used_up_and_then_the_reason_is_told(tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path, **SETTINGS | {"train": STEPS | {"max_steps": 100_000}})
    process = start(config, "--max-restarts", "1", *SILENT)  # one process
    kill(process, run, rank=0, step=50)
    wait_for(lambda: "restarted" in warnings(run), process)
    kill(process, run, rank=0, step=90)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (1, "")
    assert "error[process-died]: process 0 was ended by SIGKILL after a restart" in stderr
    assert "Traceback" not in stderr


@pytest.mark.slow
def test_a_signal_starts_nothing_again(tmp_path: Path) -> None:
    config = write_config(tmp_path, **SETTINGS | {"train": STEPS | {"max_steps": 100_000}})
    process = start(config, "--nproc", "2", "--max-restarts", "3", *SILENT)
    wait_for(lambda: logged_step(tmp_path / "run", 10), process)
    subprocess.run(["kill", "-15", str(pid_of(1, process))], check=True)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 143, stderr
    assert "restarting" not in stderr


@pytest.mark.slow
def test_under_torchrun_its_own_restarts_go_on_by_themselves(tmp_path: Path, undisturbed: Path) -> None:
    config = write_config(tmp_path, **SETTINGS)
    command = [*TORCHRUN, "-m", "embtune", "train", str(config), *ARGUMENTS]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    kill(process, tmp_path / "run", rank=0, step=50)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (0, f"{tmp_path / 'run' / 'model'}\n"), stderr
    assert "restarted" in warnings(tmp_path / "run")
    assert_same_bits(tmp_path / "run", undisturbed)
