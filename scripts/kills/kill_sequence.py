"""One run that is stopped again and again, each time continued by the same command, beside one that nobody stops."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from kill_cases import Case, write_case
from kill_command import Command
from kill_directory import Directory, differences
from kill_disk import Disk, small_disk
from kill_stops import Stop, Stopping

Start = Callable[[Path], Command]

APART = 12  # steps of a run for each stop, and for what is left after the last one
_RUN = 3600.0  # seconds that a whole run may take


@dataclass(frozen=True)
class Stopped:
    """One stop.

    whom: was stopped; "" where the run ended before. step: the last in the log. saved: the step of the newest whole
    checkpoint. half_written: whether anything was. wrong: what should not be.
    """

    stop: str
    whom: str
    step: int
    saved: int
    half_written: bool
    code: int | None
    wrong: list[str]


@dataclass(frozen=True)
class Disturbed:
    """A run and its stops. wrong: what differs from the undisturbed run at the end."""

    case: str
    nproc: int
    steps: int
    stops: list[Stopped] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong, with any stop or with what came of them."""
        return not self.wrong and not any(stop.wrong for stop in self.stops)


def disturbed(
    case: Case,
    nproc: int,
    stops: Sequence[Stop],
    random: Random,
    folder: Path,
    start: Start,
    tell: Callable[[Stopped], None],
) -> Disturbed:
    """Run it undisturbed; run it again, stopped at as many random places; compare.

    Args:
        folder: a new one.
        start: the command, of a config.
        tell: called after each stop.
    """
    result = Disturbed(case.name, nproc, APART * (len(stops) + 1))
    undisturbed = Directory(folder / "undisturbed" / "run")
    with small_disk(folder / "disk") as disk:
        run = Directory(disk.path / "run")
        config = write_case(case, folder / "undisturbed", result.steps, undisturbed.path)
        result.wrong.extend(_to_the_end(start(config)))
        again = _Again(write_case(case, folder / "disturbed", result.steps, run.path), start, disk, random)
        for number, stop in enumerate(random.sample(stops, len(stops))):
            result.stops.append(again.stopped(stop, APART * number + random.randrange(APART)))
            tell(result.stops[-1])
        result.wrong.extend(_to_the_end(again.command(), again.expected()))
        result.wrong.extend(differences(run, undisturbed))
    return result


class _Again:
    """The same command again and again, and what it is to say of how it was stopped before."""

    def __init__(self, config: Path, start: Start, disk: Disk, random: Random) -> None:
        self._config, self._start, self._disk, self._random = config, start, disk, random
        self._run = Directory(disk.path / "run")
        self._broken: Path | None = None  # the checkpoint that was damaged last

    def command(self) -> Command:
        """Another start of it."""
        return self._start(self._config)

    def expected(self) -> list[str]:
        """What the next start has to say."""
        saved = self._saved()
        words = [f"going on after step {saved}"] if saved else []
        return [*words, "is damaged"] if self._run.newest()[1] else words

    def stopped(self, stop: Stop, step: int) -> Stopped:
        """Start the command, stop it after a step, and look at what it left."""
        expected, run = self.expected(), self._run
        step = max(run.logged_step, step) + 1
        stopping = Stopping(self.command(), run, self._disk, self._random, step)
        whom, (code, stdout, stderr) = _acted(stop, stopping)
        said = [word for word in expected if word not in stderr and not stop.early]
        wrong = [*_of_output(stop, code, stdout, stderr), *(f"it did not say {word!r}" for word in said)]
        wrong += [] if whom else ["it ended before it was stopped"]
        wrong += self._of_directory(stop)
        result = Stopped(stop.name, whom, run.logged_step, self._saved(), bool(run.half_written), code, wrong)
        if stop.damages:
            self._damage()
        return result

    def _of_directory(self, stop: Stop) -> Iterator[str]:
        """What is wrong with what is on the disk now."""
        saved, (_, damaged) = self._saved(), self._run.newest()
        if damaged > (self._broken is not None):
            yield f"{damaged} checkpoints are damaged"
        told = [int(str(event["step"])) for event in self._run.events("checkpoint")]
        lost = [step for step in told if step > saved and self._broken != self._checkpoint(step)]
        if lost:
            yield f"step {max(lost)} was saved, and is no more"
        if stop.saves and saved != self._run.logged_step:
            yield f"step {self._run.logged_step} was done and is not saved"

    def _saved(self) -> int:
        checkpoint, _ = self._run.newest()
        return checkpoint.step if checkpoint else 0

    def _checkpoint(self, step: int) -> Path:
        return self._run.path / "checkpoints" / f"step-{step:06d}"

    def _damage(self) -> None:
        """Change one bit of the newest checkpoint."""
        self._broken = self._checkpoint(self._saved())
        path = self._random.choice(sorted(self._broken.glob("*.*")))
        content = bytearray(path.read_bytes())
        content[self._random.randrange(len(content))] ^= 1
        path.write_bytes(bytes(content))


def _acted(stop: Stop, stopping: Stopping) -> tuple[str, tuple[int | None, str, str]]:
    """Whom it stopped, and how the command ended. Nothing is left running where this script is told to end."""
    try:
        return stop.act(stopping), stopping.command.ended(stop.seconds)
    finally:
        stopping.command.everywhere(signal.SIGKILL)
        stopping.disk.clear()


def _to_the_end(command: Command, expected: Sequence[str] = ()) -> Iterator[str]:
    """Let the command finish. Yields what is wrong with that."""
    code, _, stderr = command.ended(_RUN)
    if code != 0:
        yield f"the run does not finish (exit code {code}): {_last_line(stderr)}"
    yield from (f"the last start did not say {word!r}" for word in expected if word not in stderr)


def _of_output(stop: Stop, code: int | None, stdout: str, stderr: str) -> Iterator[str]:
    """What is wrong with how the command ended."""
    if code is None:
        yield f"it did not end within {stop.seconds:.0f} s"
    elif code not in stop.codes:
        yield f"exit code {code}: {_last_line(stderr)}"
    if stdout:
        yield "it wrote on stdout"
    if stop.says not in stderr:
        yield f"it did not say {stop.says!r}: {_last_line(stderr)}"
    if "Traceback" in stderr:
        yield f"a traceback: {_last_line(stderr)}"


def _last_line(text: str) -> str:
    errors = [line for line in text.splitlines() if "error" in line]
    return (errors or text.strip().splitlines() or ["nothing said"])[-1]
