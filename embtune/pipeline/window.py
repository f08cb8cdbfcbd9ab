"""The mean over the steps since the last log line. Its sums are in the run's state, so a resumed run logs the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from embtune.report.events import StepEvent
from embtune.train.loop import StepReport
from embtune.train.state import TrainState

_TERM, _COUNT = "term:", "count:"


@dataclass
class Window:
    """Sums over the steps since `clear`, kept in `sums` under plain names."""

    sums: dict[str, float] = field(default_factory=dict)

    def add(self, report: StepReport) -> None:
        """Count a step in."""
        values = {"steps": 1.0, "loss": report.loss, "seconds": report.seconds}
        values |= {"tokens": float(report.tokens), "token_slots": float(report.token_slots)}
        values |= {_TERM + name: value for name, value in report.terms.items()}
        values |= {_COUNT + name: value for name, value in report.counts.items()}
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def event(self, report: StepReport, state: TrainState, peak_memory_bytes: int | None) -> StepEvent:
        """The mean so far, with rate and gradient norm of the last step."""
        steps = self.sums["steps"]
        return StepEvent(
            step=report.step,
            epoch=report.epoch,
            loss=self.sums["loss"] / steps,
            losses=self._means(_TERM),
            counts=self._means(_COUNT),
            learning_rate=report.learning_rate,
            grad_norm=report.grad_norm,
            tokens=state.tokens,
            tokens_per_second=self.sums["tokens"] / max(self.sums["seconds"], 1e-9),
            seconds=state.seconds,
            peak_memory_bytes=peak_memory_bytes,
            padding=self.sums["token_slots"] / max(self.sums["tokens"], 1.0),
        )

    def _means(self, prefix: str) -> dict[str, float]:
        steps = self.sums["steps"]
        return {
            name.removeprefix(prefix): total / steps for name, total in self.sums.items() if name.startswith(prefix)
        }

    def clear(self) -> None:
        """Begin anew."""
        self.sums.clear()
