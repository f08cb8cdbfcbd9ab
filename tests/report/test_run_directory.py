import os
import subprocess
import sys
from pathlib import Path

import pytest

from embtune.errors import RunDirectoryError
from embtune.report.run_directory import RunDirectory, RunState

CONFIG = "seed: 1  # mine\n"
RESOLVED = "seed: 1\ntrain:\n  batch_size: 64\nlogging:\n  steps: 10\n"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "runs" / "one")


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_looking_at_a_directory_that_is_not_there_makes_nothing(run: RunDirectory, tmp_path: Path) -> None:
    assert run.claim(RESOLVED) is RunState.EMPTY
    assert listing(tmp_path) == set()


def test_both_configs_are_there_before_the_first_step_and_the_users_is_verbatim(run: RunDirectory) -> None:
    run.create(CONFIG, RESOLVED)
    assert run.config.read_text() == CONFIG
    assert run.resolved_config.read_text() == RESOLVED
    assert listing(run.path) == {"config.yaml", "config.resolved.yaml", "checkpoints"}


def test_states_follow_what_the_run_has_saved(run: RunDirectory) -> None:
    run.create(CONFIG, RESOLVED)
    assert run.state() is RunState.STARTED
    (run.checkpoints / ".step-000010.writing").mkdir()
    assert run.state() is RunState.STARTED
    (run.checkpoints / "step-000010").mkdir()
    assert run.state() is RunState.STOPPED
    run.record.write_text('{"status": "running"}')
    assert run.state() is RunState.STOPPED
    run.record.write_text('{"status": "finished"}')
    assert run.state() is RunState.FINISHED


def test_a_record_that_was_cut_off_is_no_finished_run(run: RunDirectory) -> None:
    run.create(CONFIG, RESOLVED)
    run.record.write_text('{"status": "finis')
    assert run.state() is RunState.STARTED


def test_files_that_are_no_runs_are_refused_and_left_alone(run: RunDirectory) -> None:
    run.path.mkdir(parents=True)
    (run.path / "thesis.tex").write_text("x")
    assert run.state() is RunState.FOREIGN
    with pytest.raises(RunDirectoryError, match=r"thesis\.tex") as caught:
        run.claim(RESOLVED)
    assert caught.value.exit_code == 2
    assert listing(run.path) == {"thesis.tex"}


def test_a_model_folder_of_another_tool_is_not_taken_for_a_run(run: RunDirectory) -> None:
    run.model.mkdir(parents=True)
    assert run.state() is RunState.FOREIGN


def test_hidden_files_count_for_nothing(run: RunDirectory) -> None:
    run.path.mkdir(parents=True)
    (run.path / ".config.resolved.yaml.writing").write_text("half")
    assert run.claim(RESOLVED) is RunState.EMPTY


def test_another_run_is_refused_naming_every_changed_key(run: RunDirectory) -> None:
    run.create(CONFIG, RESOLVED)
    before = listing(run.path)
    with pytest.raises(RunDirectoryError) as caught:
        run.claim(RESOLVED.replace("64", "128").replace("seed: 1", "seed: 2"))
    assert "seed: 1 -> 2" in str(caught.value)
    assert "train.batch_size: 64 -> 128" in str(caught.value)
    assert listing(run.path) == before


def test_what_is_no_part_of_the_result_may_change(run: RunDirectory) -> None:
    run.create(CONFIG, RESOLVED)
    assert run.claim(RESOLVED.replace("steps: 10", "steps: 50")) is RunState.STARTED


def test_a_file_in_place_of_the_directory_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    run = RunDirectory(tmp_path / "out")
    with pytest.raises(RunDirectoryError, match="cannot be used as output_dir"):
        run.state()
    with pytest.raises(RunDirectoryError, match="cannot be used as output_dir"):
        run.create(CONFIG, RESOLVED)


def test_a_path_longer_than_a_name_can_be_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="cannot be used as output_dir"):
        RunDirectory(tmp_path / ("x" * 300)).state()


def test_creating_again_keeps_what_the_run_began_with(run: RunDirectory) -> None:
    run.create(CONFIG, RESOLVED)
    run.create("other", "other: 1\n")
    assert run.config.read_text() == CONFIG


def test_files_get_the_users_umask(run: RunDirectory) -> None:
    before = os.umask(0o027)
    try:
        run.create(CONFIG, RESOLVED)
    finally:
        os.umask(before)
    assert run.config.stat().st_mode & 0o777 == 0o640


def holder(run: RunDirectory) -> subprocess.Popen[str]:
    code = (
        "import sys, time; from pathlib import Path; from embtune.report.run_directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).locked(): print('in', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def test_a_second_process_is_refused_and_a_killed_one_holds_nothing(run: RunDirectory) -> None:
    with holder(run) as process:
        try:
            with pytest.raises(RunDirectoryError, match="another process"), run.locked():
                pass
        finally:
            process.kill()
        process.wait()
        with run.locked() as held:
            assert held


def test_the_lock_is_given_back(run: RunDirectory) -> None:
    for _ in range(2):
        with run.locked() as held:
            assert held
    assert run.state() is RunState.EMPTY
