"""Several processes stop as one: told to at the same step and saved once, or, where one dies, at once and aloud."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import REPOSITORY, run_embtune
from process_command import ARGUMENTS, is_running, logged_step, pid_of, start, wait_for
from safetensors.numpy import load_file
from small_run import write_config

pytestmark = [
    pytest.mark.distributed,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find processes"),
]
STATIC = {"name_or_path": "scratch:static?width=16"}
STEPS = {"max_steps": 160, "batch_size": 8, "learning_rate": 0.003}
SETTINGS = {"model": STATIC, "train": STEPS, "eval": {"steps": 40}, "checkpoint": {"steps": 40}}


def finished(config: Path, *arguments: str) -> Path:
    """The run's directory, when the command has done it."""
    done = run_embtune("train", config, *ARGUMENTS, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{config.parent / 'run' / 'model'}\n"
    return config.parent / "run"


def stopped(config: Path, rank: int | None, signum: signal.Signals) -> subprocess.CompletedProcess[str]:
    """A run by two processes; in its middle one of them, or the command itself, gets the signal."""
    process = start(config, "--nproc", "2")
    wait_for(lambda: logged_step(config.parent / "run", 50), process)
    workers = [pid_of(each, process) for each in range(2)]
    if rank is None:
        process.send_signal(signum)
    else:
        subprocess.run(["kill", f"-{int(signum)}", str(workers[rank])], check=True)
    stdout, stderr = process.communicate(timeout=60)
    assert not any(map(is_running, workers))
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def events(run: Path, kind: str) -> list[dict[str, object]]:
    """The events of one kind in a run's log."""
    found = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [event for event in found if event["event"] == kind]


def assert_same_training(run: Path, other: Path) -> None:
    """Equal but for rounding."""
    for kind in ("step", "eval"):
        assert [event["step"] for event in events(run, kind)] == [event["step"] for event in events(other, kind)]
    left, right = (load_file(each / "checkpoints/step-000160/weights.safetensors") for each in (run, other))
    assert max(abs(left[name] - right[name]).max() for name in right) < 1e-4
    assert measured(run) == pytest.approx(measured(other), abs=1e-4)


def measured(run: Path) -> dict[str, float]:
    """The metrics at the end."""
    metrics: dict[str, float] = json.loads((run / "run.json").read_text())["result"]["metrics_last"]
    return metrics


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by one process that nobody stopped."""
    return finished(write_config(tmp_path_factory.mktemp("undisturbed"), **SETTINGS))


@pytest.mark.parametrize(
    ("rank", "signum", "code", "then"),
    [(1, signal.SIGTERM, 143, 1), (0, signal.SIGINT, 130, 3), (None, signal.SIGTERM, 143, 2)],
)
def test_a_signal_to_any_process_saves_once_and_any_number_of_processes_goes_on(
    tmp_path: Path, undisturbed: Path, rank: int | None, signum: signal.Signals, code: int, then: int
) -> None:
    config = write_config(tmp_path, **SETTINGS)
    ended = stopped(config, rank, signum)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert ended.stderr.count("which is saved; the same command goes on from there") == 1, ended.stderr
    saves = events(tmp_path / "run", "checkpoint")
    assert len({event["step"] for event in saves}) == len(saves)
    assert [event["status"] for event in events(tmp_path / "run", "end")] == ["stopped"]
    assert_same_training(finished(config, *(["--nproc", str(then)] if then > 1 else [])), undisturbed)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_dies_ends_the_command_soon_and_with_the_reason(tmp_path: Path, rank: int) -> None:
    config = write_config(tmp_path, **SETTINGS | {"train": STEPS | {"max_steps": 100_000}})
    process = start(config, "--nproc", "2")
    wait_for(lambda: logged_step(tmp_path / "run", 50), process)
    workers = [pid_of(each, process) for each in range(2)]
    died = time.monotonic()
    subprocess.run(["kill", "-9", str(workers[rank])], check=True)
    stdout, stderr = process.communicate(timeout=60)
    assert time.monotonic() - died < 60
    assert (process.returncode, stdout) == (1, "")
    assert f"error[process-died]: process {rank} was ended by SIGKILL" in stderr
    assert "Traceback" not in stderr
    assert not any(map(is_running, workers))
    assert events(tmp_path / "run", "step")
    assert math.isfinite(float(str(events(tmp_path / "run", "step")[-1]["loss"])))


def test_processes_whose_launcher_is_killed_save_and_end(tmp_path: Path) -> None:
    config = write_config(tmp_path, **SETTINGS | {"train": STEPS | {"max_steps": 100_000}})
    process = start(config, "--nproc", "2")
    wait_for(lambda: logged_step(tmp_path / "run", 50), process)
    process.kill()
    _, stderr = process.communicate(timeout=60)  # to the end of it: none of the processes holds it open
    assert "which is saved; the same command goes on from there" in stderr
    assert [event["status"] for event in events(tmp_path / "run", "end")] == ["stopped"]


def commands() -> Iterator[list[str]]:
    """The ways to start two processes."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    yield [*torchrun, "-m", "embtune", "train"]
    yield [sys.executable, "-m", "embtune", "train", "--nproc", "2"]


@pytest.mark.parametrize("command", tuple(commands()), ids=["torchrun", "--nproc"])
def test_only_the_first_process_speaks(tmp_path: Path, command: list[str]) -> None:
    config = write_config(tmp_path, **SETTINGS | {"train": STEPS | {"max_steps": 10}})
    arguments = [*command, str(config), *ARGUMENTS]
    done = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'run' / 'model'}\n"
    assert done.stderr.count("saved checkpoints/step-000010") == 1
    assert json.loads((tmp_path / "run" / "run.json").read_text())["world_size"] == 2


def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    """Of the data, which processes read: the config itself is read before there are any."""
    config = write_config(tmp_path, **SETTINGS)
    (tmp_path / "train.jsonl").write_text('{"anchor": "a", "positive": ""}\n')
    done = run_embtune("train", config, "--nproc", "2", *ARGUMENTS)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("error[bad-rows]") == 1
    assert not (tmp_path / "run").exists()


def test_the_command_line_is_held_against_the_processes_there_are(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    read = run_embtune("train", "-", "--nproc", "2", stdin=config.read_text())
    assert (read.returncode, read.stdout) == (2, "")
    assert "error[config-read-once]" in read.stderr
