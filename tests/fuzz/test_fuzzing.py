"""Behaviour 17: whatever is put before the command line, it ends soon, with a sound exit code and no traceback.

A few dozen inputs of each kind, always the same; `scripts/fuzz.py` runs as many as one likes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import fuzz_configs
import fuzz_data
import fuzz_models
import pytest
from command import REPOSITORY
from fuzz_case import COMMAND_FILE, Case
from fuzz_outcome import HUNG, Outcome, faults_of, run_inside, run_process
from hypothesis import HealthCheck, Phase, given, settings

SECONDS = 60.0  # an input takes a fraction of one, on a machine with nothing else to do
ALWAYS_THE_SAME = settings(
    derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None
)
pytestmark = pytest.mark.filterwarnings("ignore")  # a process prints warnings and goes on


def judge(case: Case, run: Callable[[Case, Path, float], Outcome] = run_inside) -> Outcome:
    """Run a case in a folder of its own and hold it against the contract."""
    with TemporaryDirectory() as place:
        folder = Path(place).resolve()
        case.write(folder)
        outcome = run(case, folder, SECONDS)
        command = (folder / COMMAND_FILE).read_text(encoding="utf-8")
    assert not faults_of(outcome), (command, outcome, case)
    return outcome


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("templates")
    fuzz_models.prepare(root)
    return root


def test_configs() -> None:
    @settings(ALWAYS_THE_SAME, max_examples=60)
    @given(fuzz_configs.cases(Path()))
    def run_one(case: Case) -> None:
        judge(case)

    run_one()


def test_data_files() -> None:
    @settings(ALWAYS_THE_SAME, max_examples=60)
    @given(fuzz_data.cases(Path()))
    def run_one(case: Case) -> None:
        judge(case)

    run_one()


def test_model_folders(templates: Path) -> None:
    @settings(ALWAYS_THE_SAME, max_examples=40)
    @given(fuzz_models.cases(templates))
    def run_one(case: Case) -> None:
        judge(case)

    run_one()


@pytest.mark.parametrize(
    "words", [("check-format", "{}.csv"), ("encode", "{}"), ("evaluate", "{}"), ("validate", "{}")]
)
def test_no_name_is_too_long(words: tuple[str, ...]) -> None:
    assert judge(Case(tuple(word.format("x" * 300) for word in words))).code != 0


def test_a_process_of_its_own_says_what_a_call_says() -> None:
    case = Case(("check-format", "data.csv"), {"data.csv": b'text,label\n"a,1\n'})
    inside, outside = judge(case), judge(case, run_process)
    assert inside == outside
    assert inside.code == 1
    assert inside.codes == ["broken-csv"]


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome(None, "", "", HUNG), HUNG),
        (Outcome(-11, "", "", "signal 11"), "signal 11"),
        (Outcome(3, "x", ""), "exit code 3"),
        (Outcome(1, "x", "Traceback (most recent call last):\n"), "a traceback"),
        (Outcome(1, "", "error[internal]: ValueError: x\n"), "an internal error"),
        (Outcome(2, "", "error[unknown-key]: x\n"), "no place: unknown-key"),
        (Outcome(2, "", ""), "no error is told"),
    ],
)
def test_what_breaks_the_contract_is_seen(outcome: Outcome, fault: str) -> None:
    assert fault in faults_of(outcome)


def test_an_input_that_does_not_end_is_ended_and_one_that_raises_is_seen(tmp_path: Path) -> None:
    config = (
        "output_dir: o\nmodel: {name_or_path: m}\ndata: {train: [{path: d.jsonl}]}\nloss: cosent\nplugins: [p.py]\n"
    )
    case = Case(("validate", "c.yaml"), {"c.yaml": config.encode(), "p.py": b"while True: pass\n"})
    case.write(tmp_path)
    assert run_inside(case, tmp_path, 1.0).how == HUNG


def test_the_soak_prints_its_counts_and_its_seed(tmp_path: Path) -> None:
    words = ["--strategy", "configs", "--examples", "5", "--seed", "3", "--out", str(tmp_path / "out")]
    script = REPOSITORY / "scripts" / "fuzz.py"
    done = subprocess.run([sys.executable, script, *words], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "strategy configs, seed 3: 5 inputs" in done.stdout
    assert "0 tracebacks, 0 hangs, 0 other faults" in done.stdout


def test_a_kept_input_can_be_run_again(tmp_path: Path) -> None:
    case = Case(("check-format", "-"), {"a/b.txt": b"x"}, {"link": "a"}, stdin=json.dumps({"text": "a"}).encode())
    case.write(tmp_path)
    assert (tmp_path / COMMAND_FILE).read_text() == "python -m embtune check-format - < stdin.bin\n"
    assert (tmp_path / "link" / "b.txt").read_bytes() == b"x"
