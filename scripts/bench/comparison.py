"""The comparison itself: equality, then each workload in turns, everything kept as soon as it is known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import growth
import machine
from equality import check
from flops import peak_of, training_flops
from models import model_folder, tokenizer_of
from results import Results
from summary import OURS, THEIRS, page
from sweep import Swept, sweep
from task import Settings, Task
from texts import count_tokens, write_pairs
from tools import run_ours, run_theirs, time_theirs
from workloads import CPU, ModelKind, Rows, Workload

GATES = (
    Workload("minilm", ModelKind.MINILM, Rows("pairs/medquad_train.jsonl.gz"), 16, 64, 160, learning_rate=5e-5),
    Workload("static", ModelKind.STATIC, Rows("pairs/medquad_train.jsonl.gz"), 64, None, 640, learning_rate=1e-3),
)
_PREFIX_STEPS = {True: 1, False: 3}  # of a sweep, by whether the loss is cached
_PREFIX_PAIRS = 256  # at most, where it is


@dataclass(frozen=True)
class Asked:
    """What the command line asked for.

    gate: compare weights first. sweep: look for their best settings. growth: batch sizes to time a step of.
    """

    folder: Path
    data: Path
    repeats: int
    precision: str
    threads: int | None = None
    gate: bool = True
    sweep: bool = True
    growth: Sequence[int] = ()


class Bench:
    """One comparison: its settings, its folder and its results."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.folder = asked.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.results = Results(self.folder / "bench.json")
        self.environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        self.environment.pop("TOKENIZERS_PARALLELISM", None)  # set, it locks their data loader's forked workers

    def run(self, workloads: Sequence[Workload]) -> bool:
        """Compare the workloads. False, and nothing is timed, where the tools do not train alike."""
        self._prepare()
        equal = not self.asked.gate or all([self._gate(workload) for workload in GATES])
        if equal:
            for workload in workloads:
                self._compare(workload)
            self._grow()
        self._write_page()
        return equal

    def _prepare(self) -> None:
        """Find out what the machine can do, and say what is done about it."""
        notes = [
            f"precision: {self.asked.precision} in both tools",
            f"threads: {self.asked.threads or 'as each tool sets them'}",
        ]
        if self.asked.precision == "bf16" and machine.gpu_name() is None:
            isa = machine.instruction_set(self.environment)
            if isa is not None:
                self.environment[machine.ISA] = isa
            notes.append(
                f"bf16: {machine.ISA}={isa} for both, without which it kills the process" if isa else "bf16: as is"
            )
        if self.asked.threads:
            self.environment["OMP_NUM_THREADS"] = str(self.asked.threads)
        notes.append(
            "embtune's cache of tokens and scores is emptied before each run, as is that of datasets for theirs"
        )
        notes.append("Sentence Transformers has no sampler that groups by length; flash-attn is absent")
        self.results.content.update(machine=machine.describe(), notes=notes)
        self._tell("\n".join(notes))

    def _gate(self, workload: Workload) -> bool:
        """Whether both tools make the same weights; found out once."""
        known = self.results.content["equality"]
        if workload.name not in known:
            verdict = check(self._task(workload), self.environment, self.folder)
            self.results.put("equality", workload.name, {**vars(verdict), "equal": verdict.equal})
        self._tell(f"equality, {workload.name}: {known[workload.name]}")
        return bool(known[workload.name]["equal"])

    def _compare(self, workload: Workload) -> None:
        task = self._task(workload)
        self._describe(workload, task)
        settings = self._settings(workload, task)
        for repeat in range(self.asked.repeats):
            for tool, measure in ((OURS, run_ours), (THEIRS, partial(run_theirs, settings=settings))):
                if not self.results.has_run(workload.name, tool, repeat):
                    measured = measure(task, environment=self.environment, folder=self.folder)
                    self.results.add_run(workload.name, tool, repeat, measured.as_dict())
                    self._tell(f"{workload.name}, {tool}: {measured.seconds:.1f} s, {measured.peak_bytes / 1e9:.2f} GB")
        self._write_page()

    def _task(self, workload: Workload) -> Task:
        """The workload's files, made where they are not there yet."""
        model = model_folder(workload.model, self.folder)
        pairs = self.folder / f"{workload.name}-{workload.count}.jsonl"
        if not pairs.is_file():
            half_made = pairs.with_suffix(".part")
            write_pairs(workload, self.asked.data, tokenizer_of(model), half_made)
            half_made.rename(pairs)
        return Task(
            str(model),
            str(pairs),
            str(self.folder / "output"),
            workload.batch_size,
            workload.max_length,
            workload.steps,
            workload.learning_rate,
            self.asked.precision,
            cached=workload.cached,
        )

    def _describe(self, workload: Workload, task: Task) -> None:
        """Keep what the table needs of a workload: pairs, real tokens, FLOPs."""
        if workload.name in self.results.content.get("workloads", {}):
            return
        special = workload.model is not ModelKind.STATIC
        tokens = count_tokens(Path(task.pairs), tokenizer_of(Path(task.model)), workload.max_length, special)
        facts = {"pairs": workload.count, "batch": workload.batch_size, "goal": workload.goal, "tokens": tokens}
        flops = training_flops(Path(task.model), tokens, 2 * workload.count)
        self.results.put("workloads", workload.name, {**facts, "flops": flops, "peak": peak_of(machine.gpu_name())})

    def _settings(self, workload: Workload, task: Task) -> Settings:
        """Their best settings, swept once."""
        if not self.asked.sweep:
            return Settings()
        if workload.name not in self.results.content["sweeps"]:
            batch = min(task.batch_size, _PREFIX_PAIRS) if workload.cached else task.batch_size
            prefix = replace(task, batch_size=batch, steps=min(task.steps, _PREFIX_STEPS[workload.cached]))
            measure = partial(_time_theirs, prefix, self)
            found = sweep(measure, workload.cached, self.asked.precision)
            self.results.put("sweeps", workload.name, found.as_list())
        best = Swept.of_list(self.results.content["sweeps"][workload.name]).best
        self._tell(f"{workload.name}: the best settings of {THEIRS} are {best}")
        return best

    def _grow(self) -> None:
        for rows in self.asked.growth:
            if str(rows) not in self.results.content.get("growth", {}):
                pairs = self._task(Workload("growth", ModelKind.MINILM, CPU[3].rows, rows, 16, 2 * rows)).pairs
                found = growth.measure(rows, Path(pairs), self.environment, self.folder)
                self.results.put("growth", str(rows), found)
                self._tell(f"growth, {rows} rows: {found}")
        self._write_page()

    def _write_page(self) -> None:
        (self.folder / "bench.md").write_text(page(self.results.content), encoding="utf-8")

    def _tell(self, text: str) -> None:
        print(text, flush=True)


def _time_theirs(task: Task, bench: Bench, settings: Sequence[Settings]) -> list[float]:
    return time_theirs(task, settings, bench.environment, bench.folder)
