"""A run survives: stopped in any way, the same command goes on, and the result is the undisturbed one, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import REPOSITORY, run_embtune
from safetensors.numpy import load_file
from small_run import write_config

from embtune.config import load_config
from embtune.errors import Stopped
from embtune.pipeline.train_job import TrainRequest, run_training
from embtune.report.progress_plain import PlainProgress, discard

ARGUMENTS = ("--progress", "plain")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = run_embtune("train", write_config(folder), *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def start(config: Path) -> subprocess.Popen[str]:
    """`embtune train` as a process that is going on."""
    command = [sys.executable, "-m", "embtune", "train", str(config), *ARGUMENTS]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Return as soon as the condition holds."""
    limit = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, f"it ended too early: {process.communicate()[1]}"
        assert time.monotonic() < limit, "it takes too long"
        time.sleep(0.002)


def logged_step(run: Path, step: int) -> bool:
    """Whether the metrics log has come to a step."""
    log = run / "metrics.jsonl"
    return log.exists() and f'"event": "step", "step": {step},' in log.read_text()


def assert_same_result(run: Path, other: Path) -> None:
    """Equal models, equal last checkpoints, equal logs but for times."""
    for file in ("model/model.safetensors", "checkpoints/step-000024/weights.safetensors",
                 "checkpoints/step-000024/optimizer.safetensors"):  # fmt: skip
        left, right = load_file(run / file), load_file(other / file)
        assert left.keys() == right.keys()
        assert all((left[name] == right[name]).all() for name in left), file
    assert training_curve(run) == training_curve(other)


def training_curve(run: Path) -> list[tuple[object, ...]]:
    """Steps and evaluations of the metrics log, without what is measured in seconds."""
    events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    kept = ("event", "step", "epoch", "loss", "losses", "learning_rate", "grad_norm", "tokens", "metrics")
    return [tuple(str(e.get(key)) for key in kept) for e in events if e["event"] in ("step", "eval")]


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_the_same_command_goes_on(
    tmp_path: Path, undisturbed: Path, signum: signal.Signals, code: int
) -> None:
    config = write_config(tmp_path)
    process = start(config)
    wait_for(lambda: logged_step(tmp_path / "run", 8), process)
    process.send_signal(signum)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert stdout == ""
    assert "which is saved; the same command goes on from there" in stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "stopped"
    done = run_embtune("train", config, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stderr
    assert_same_result(tmp_path / "run", undisturbed)


def test_a_signal_while_the_model_is_saved_ends_the_run_when_it_is_whole(tmp_path: Path) -> None:
    loaded = load_config(write_config(tmp_path))

    def interrupt(line: str) -> None:
        if line.split() == ["metric", "before", "after", "gain"]:  # told between the saving and the end
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="the run done") as stopped:
        run_training(loaded, TrainRequest(), PlainProgress(interrupt))
    assert stopped.value.signum == signal.SIGTERM
    again = run_training(loaded, TrainRequest(), PlainProgress(discard))
    assert again is not None
    assert again["steps"] == 24
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("moment", [1, 9, 17, 23])
def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path, undisturbed: Path, moment: int) -> None:
    config = write_config(tmp_path)
    process = start(config)
    wait_for(lambda: logged_step(tmp_path / "run", 2 * ((moment + 1) // 2)), process)
    process.kill()
    process.communicate()
    done = run_embtune("train", config, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert_same_result(tmp_path / "run", undisturbed)


def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_used(tmp_path: Path, undisturbed: Path) -> None:
    config = write_config(tmp_path)
    process = start(config)
    wait_for(lambda: logged_step(tmp_path / "run", 12), process)
    process.kill()
    process.communicate()
    weights = tmp_path / "run" / "checkpoints" / "step-000010" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    done = run_embtune("train", config, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert "is damaged" in done.stderr
    assert "going on after step 5" in done.stderr
    assert_same_result(tmp_path / "run", undisturbed)


def test_a_second_run_on_one_directory_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    process = start(config)
    wait_for(lambda: logged_step(tmp_path / "run", 2), process)
    process.send_signal(signal.SIGSTOP)  # alive, and no further when the second one comes
    second = run_embtune("train", config, *ARGUMENTS)
    process.kill()
    process.communicate()
    assert second.returncode == 2
    assert "another process is running in" in second.stderr


def test_a_run_stopped_while_it_reads_says_that_nothing_was_saved(tmp_path: Path) -> None:
    process = start(write_config(tmp_path))
    assert process.stderr is not None
    assert "reading data" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 143, stderr
    assert stdout == ""
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    small = tmp_path / "run"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a tmpfs here")
    try:
        done = run_embtune("train", config, *ARGUMENTS)
        left = sorted(path.name for path in small.rglob("*") if ".writing" in path.name)
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert left == []


def test_training_and_evaluation_sets_may_share_a_name_and_a_run_still_resumes(tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        data={"train": [{"path": "train.jsonl", "name": "x"}], "eval": [{"path": "dev.jsonl", "name": "x"}]},
    )
    process = start(config)
    wait_for(lambda: logged_step(tmp_path / "run", 6), process)
    process.kill()
    process.communicate()
    done = run_embtune("train", config, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
