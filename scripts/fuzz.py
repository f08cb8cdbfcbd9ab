"""Feed the command line with inputs that nobody would write, and count what it should not have done.

Usage: .venv/bin/python scripts/fuzz.py --strategy configs|data|models [--examples 5000] [--seed 0] [--out DIR]

Inputs run in a copy of this process, which is replaced after a hundred of them and whenever one ends it or does not
end; one in `--real` runs in a process of its own, started as users start it. Ends with the counts, and exit code 1
where an input ended in a traceback, a crash, a wrong exit code, an error without a place, or not at all. What such an
input was is kept under DIR, with the command that shows it again.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))

from fuzz_case import Case
from fuzz_outcome import HUNG, IDLE, Outcome, faults_of, run_inside, run_process
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

STRATEGIES = {"configs": "fuzz_configs", "data": "fuzz_data", "models": "fuzz_models"}
IMPORTED = ("embtune.pipeline.train_job", "embtune.pipeline.check_format", "embtune.pipeline.encode_job")
MEMORY = 16 << 30  # bytes an input may make the command take
CASES_A_WORKER = 100
GRACE = 5.0  # seconds between the alarm inside a process and its end from outside
NOTABLE = 5.0  # seconds; the slowest input beyond is kept
SHOWN_LINES = 6
TOLD_EVERY = 500


@dataclass
class Tally:
    """What came of the inputs so far."""

    out: Path
    ran: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    kept: int = 0

    def count(self, case: Case, outcome: Outcome, seconds: float) -> None:
        """Take one more outcome in, and keep its input if something is wrong with it."""
        self.ran += 1
        self.codes[outcome.how or str(outcome.code)] += 1
        self.errors.update(outcome.codes)
        if seconds > max(self.slowest, NOTABLE):
            self._write(self.out / "slowest", case, outcome, [f"{seconds:.0f} s"])
        self.slowest = max(self.slowest, seconds)
        if found := faults_of(outcome):
            self.faults.update(found)
            self._keep(case, outcome, found)
        if self.ran % TOLD_EVERY == 0:
            print(f"{self.ran} inputs, {self.kept} with a fault", file=sys.stderr, flush=True)

    def _keep(self, case: Case, outcome: Outcome, found: list[str]) -> None:
        folder = self.out / f"{self.kept:04d}"
        self._write(folder, case, outcome, found)
        self.kept += 1
        last = "\n    ".join(outcome.stderr.strip().splitlines()[-SHOWN_LINES:])
        print(f"{folder}: {', '.join(found)}\n    {last}", flush=True)

    def _write(self, folder: Path, case: Case, outcome: Outcome, found: list[str]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        case.write(folder)
        (folder / "faults.json").write_text(json.dumps({"faults": found, **asdict(outcome)}, indent=1))


def main() -> int:
    """Run the soak, print its counts, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), required=True)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds an input may compute")
    parser.add_argument("--real", type=int, default=200, help="one input in so many starts a process as users do")
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"), help="where failing inputs are kept")
    arguments = parser.parse_args()
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", SECRET="canary")
    fuzzer = importlib.import_module(STRATEGIES[arguments.strategy])
    for module in (*IMPORTED, *fuzzer.IMPORTED):
        importlib.import_module(module)
    gc.freeze()  # no look for garbage in a copy touches, and so copies, what all of them share
    tally = Tally(arguments.out / arguments.strategy)
    started = time.perf_counter()
    with TemporaryDirectory() as place:
        os.environ["EMBTUNE_CACHE"] = f"{place}/cache"
        in_a_copy(lambda: fuzzer.prepare(Path(place)))
        soak(fuzzer.cases(Path(place)), tally, arguments)
    tell(tally, arguments, time.perf_counter() - started)
    return 1 if tally.faults else 0


def soak(strategy: SearchStrategy[Case], tally: Tally, arguments: argparse.Namespace) -> None:
    """Run so many inputs. The same seed gives the same inputs."""
    worker = Worker()

    @seed(arguments.seed)
    @settings(
        max_examples=arguments.examples,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run_one(case: Case) -> None:
        real = tally.ran % arguments.real == arguments.real - 1
        with TemporaryDirectory() as place:
            folder = Path(place).resolve()
            case.write(folder)
            started = time.perf_counter()
            outcome = (run_process if real else worker.run)(case, folder, arguments.deadline)
            tally.count(case, outcome, time.perf_counter() - started)

    run_one()
    worker.end()


def in_a_copy(prepare: Callable[[], None]) -> None:
    """Do something in a copy of this process: threads that it starts would not be in later copies."""
    child = os.fork()
    if child == 0:
        try:
            prepare()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("the inputs could not be prepared")


class Worker:
    """A copy of this process that runs one case after the other, and can be ended and replaced by a new one."""

    def __init__(self) -> None:
        self._child, self._ran = 0, 0
        self._ask, self._answers = -1, -1

    def run(self, case: Case, folder: Path, seconds: float) -> Outcome:
        """What came of a case; of one that does not end, or that ends the process, that."""
        if self._ran % CASES_A_WORKER == 0:
            self.end()
        if not self._child:
            self._fork(seconds)
        self._ran += 1
        os.write(self._ask, json.dumps({"folder": str(folder), "words": case.words}).encode() + b"\n")
        ready, _, _ = select.select([self._answers], [], [], IDLE * seconds + GRACE)
        line = _line(self._answers) if ready else b""
        if line:
            return Outcome(**json.loads(line))
        status = self.end(signal.SIGKILL)
        return Outcome(None, "", "", f"signal {os.waitstatus_to_exitcode(status)}" if ready else HUNG)

    def end(self, signum: int = signal.SIGTERM) -> int:
        """End the copy; its status."""
        if not self._child:
            return 0
        os.close(self._ask)
        if signum == signal.SIGKILL:
            os.kill(self._child, signum)
        _, status = os.waitpid(self._child, 0)
        os.close(self._answers)
        self._child = 0
        return status

    def _fork(self, seconds: float) -> None:
        asked, self._ask = os.pipe()
        self._answers, answers = os.pipe()
        self._child = os.fork()
        if self._child:
            os.close(asked)
            os.close(answers)
            return
        os.close(self._ask)
        _serve(asked, answers, seconds)


def _serve(asked: int, answers: int, seconds: float) -> None:
    """The worker's whole life: until nobody asks any more."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        while line := _line(asked):
            wanted = json.loads(line)
            outcome = run_inside(Case(tuple(wanted["words"])), Path(wanted["folder"]), seconds)
            os.write(answers, json.dumps(asdict(outcome)).encode() + b"\n")
    finally:
        os._exit(0)


def _line(descriptor: int) -> bytes:
    """One line, or nothing where the other end is closed."""
    found = b""
    while not found.endswith(b"\n"):
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b""
        found += part
    return found


def tell(tally: Tally, arguments: argparse.Namespace, seconds: float) -> None:
    """The counts."""
    print(f"strategy {arguments.strategy}, seed {arguments.seed}: {tally.ran} inputs in {seconds:.0f} s")
    print("exit codes: " + ", ".join(f"{code} x {count}" for code, count in sorted(tally.codes.items())))
    print("errors told: " + ", ".join(f"{code} x {count}" for code, count in tally.errors.most_common()))
    print(f"slowest input: {tally.slowest:.1f} s")
    hangs = tally.faults[HUNG]
    tracebacks = tally.faults["a traceback"] + tally.faults["an internal error"]
    print(f"{tracebacks} tracebacks, {hangs} hangs, {sum(tally.faults.values()) - tracebacks - hangs} other faults")
    for fault, count in tally.faults.most_common():
        print(f"  {fault}: {count}")


if __name__ == "__main__":
    sys.exit(main())
