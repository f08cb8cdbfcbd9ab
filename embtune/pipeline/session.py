"""One session of a run: from the state it starts in to the end, or to the signal that stops it.

The run is read from top to bottom in `_steps`: the generator of `embtune.train.loop` does a step, the body of the `for`
does everything else.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass

from embtune.errors import Stopped
from embtune.pipeline.bad_step import rows_of, told
from embtune.pipeline.evaluation import Measured, measure
from embtune.pipeline.filling import tell_cache_notes, tokens_note
from embtune.pipeline.health import Health
from embtune.pipeline.intervals import Due
from embtune.pipeline.job import Job
from embtune.pipeline.keeping import Keeper
from embtune.pipeline.memory import peak_memory_bytes
from embtune.pipeline.notes import truncation
from embtune.pipeline.start_scores import measured_start
from embtune.pipeline.window import Window
from embtune.report.events import CheckpointEvent, EvalEvent, WarningEvent
from embtune.report.progress import Progress
from embtune.report.run_directory import RunDirectory
from embtune.train.loop import BadStep, NonFinite, StepReport, train
from embtune.train.processes import meeting_inside
from embtune.train.replicas import replicas_differ
from embtune.train.state import BestScore, TrainState
from embtune.train.stop import StopRequest


@dataclass
class Session:
    """A job under way. `state` is the truth; all the rest can be made again from it and the weights."""

    job: Job
    directory: RunDirectory
    state: TrainState
    keeper: Keeper
    progress: Progress
    stop: StopRequest
    show_every_step: bool = False

    def __post_init__(self) -> None:
        config, total = self.job.loaded.config, self.job.training.schedule.total_steps
        self._window = Window(self.state.window)
        self._health = Health(self.state, total)
        self._evaluations = Due.at_interval(config.eval.steps, total)
        self._saves = Due.at_interval(config.checkpoint.steps, total)
        self._saved = self.state.step if self.state.step else -1

    def run(self) -> None:
        """Train to the end.

        Raises:
            Stopped: a signal came; what was trained is saved.
            RunError: the run cannot go on.
        """
        with meeting_inside():
            try:
                self._steps()
            except Stopped as stopped:
                if self.state.step != self._saved and self.state.step > 0:
                    self._save()
                raise Stopped(stopped.signum, self._farewell()) from None
            except NonFinite as error:
                self._tell_bad(error.bad, stops=True)
                raise
            if self.job.training.shards is not None:
                self.job.training.shards.gather()  # the whole model, for the first process to save

    def _steps(self) -> None:
        total = self.job.training.schedule.total_steps
        with self.progress.training(total, self.state.step):
            self._evaluate_if_due()  # before the first step, or what a stopped session still owed
            with closing(train(self.job.training, self.state)) as reports:  # a stopped run plans no further
                for report in reports:
                    self._tell(report)
                    self._tell_of_tokens()
                    self._evaluate_if_due()
                    if self._saves.at(self.state.step):
                        self._save()
                    self._check_stop()

    def _check_stop(self) -> None:
        self.stop.check(self.job.training.processes)

    def _farewell(self) -> str:
        if self._saved < 0:
            return "stopped before the first step; the same command starts anew"
        return f"stopped after step {self._saved}, which is saved; the same command goes on from there"

    def _tell(self, report: StepReport) -> None:
        """Log the mean since the last line where one is due, and what went wrong in any case."""
        self._window.add(report)
        event = self._window.event(report, self.state, peak_memory_bytes(self.job.training.precision.device))
        every, total = self.job.loaded.config.logging.steps, self.job.training.schedule.total_steps
        logged = report.step % every == 0 or report.step == total
        self.progress.step(event, logged or self.show_every_step)
        if logged:
            self.keeper.event(event)
            self._window.clear()
        if report.bad is not None:
            self._tell_bad(report.bad, stops=False)
        elif report.skipped and self._health.first("overflow"):
            text = "gradients overflow in fp16, the step was skipped and the factor lowered, as it is now and then"
            self.warn("overflow", f"step {report.step}: {text}")
        for code, text in self._health.told_by(report):
            self.warn(code, text)
        if report.halved_to is not None:
            text = f"step {report.step}: out of memory; now {report.halved_to:,} tokens at a time, with the same result"
            self.warn("out-of-memory", text)

    def _tell_bad(self, bad: BadStep, stops: bool) -> None:
        """Once, and the rows of that step are kept; a weight that is not finite makes every later step like it."""
        if self._health.first("non-finite"):
            place = self.keeper.bad_rows(bad.step, self.job.loaded.hide(rows_of(self.job, bad)))
            self.warn("non-finite", told(bad, place, stops))

    def _tell_of_tokens(self) -> None:
        """What the plan could not say of sets that were still being tokenised when it was made."""
        for task in self.job.filling.finished():
            self.progress.note(tokens_note(task.rows))
            for code, text in truncation([task]):
                self.warn(code, text)
        tell_cache_notes(self.job.tokens, self.progress)

    def warn(self, code: str, text: str) -> None:
        """Tell people and the log."""
        event = WarningEvent(self.state.step, self.epoch, code, text)
        self.keeper.event(event)
        self.progress.warning(event)

    def _evaluate_if_due(self) -> None:
        state, job = self.state, self.job
        due = self._evaluations.at(state.step) or (state.step == 0 and job.loaded.config.eval.on_start)
        if not due or not job.evaluation.tasks or state.evaluated == state.step:
            return
        self._compare_replicas()
        measured = self._measured()
        state.evaluated = state.step
        state.last_metrics = measured.metrics
        if state.step == 0:
            state.first_metrics = measured.metrics
        event = EvalEvent(state.step, self.epoch, measured.metrics, measured.seconds)
        self.keeper.event(event)
        self.progress.evaluation(event, job.evaluation.headline)
        self._keep_if_best(measured.metrics)

    def _compare_replicas(self) -> None:
        if replicas_differ(self.job.training.processes, self.job.training.trainables):
            text = "the weights are no longer the same on all processes; those of the first are evaluated and saved"
            self.warn("replicas-differ", f"step {self.state.step}: {text}")

    def _measured(self) -> Measured:
        job, training, check = self.job, self.job.training, self._check_stop
        with nullcontext() if training.shards is None else training.shards.gathered():
            if self.state.step == 0:
                return measured_start(job, self.progress, check)
            budget = training.budget.micro_batch_tokens
            return measure(
                job.model, job.evaluation, training.precision, budget, self.progress, check, training.processes
            )

    def _keep_if_best(self, metrics: dict[str, float]) -> None:
        metric, best = self.job.best_metric, self.state.best
        if metric is None or (best is not None and not metrics[metric] > best.value):
            return
        self.keeper.best(self.job.training, self.state.step)
        self.state.best = BestScore(metric, metrics[metric], self.state.step, metrics)

    def _save(self) -> None:
        training, state = self.job.training, self.state
        path = self.keeper.checkpoint(training, state)
        self._saved = state.step
        event = CheckpointEvent(state.step, self.epoch, path)
        self.keeper.event(event)
        self.progress.checkpoint(event)

    @property
    def epoch(self) -> float:
        """Epochs finished after `state.step` steps."""
        return self.job.training.schedule.epochs_after(self.state.step)
