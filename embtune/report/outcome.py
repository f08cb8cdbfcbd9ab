"""Whether training was worth it, by the metric that chooses the weights, in words."""

from __future__ import annotations

from dataclasses import dataclass

from embtune.report.gains import Gain

_NOTHING_TO_GAIN = 0.99995  # what four decimals show as 1, the most any metric can be
_ANOTHER_LOSS = "another loss (embtune check-format CONFIG names those that fit)"


@dataclass(frozen=True)
class Outcome:
    """The metric that decides, through a run.

    last: of the start and after the last step.
    best_step: whose weights are saved; 0 is the model as it came.
    last_weights: where the weights of the last step are, relative to the run's directory.
    learning_rate: the highest.
    """

    last: Gain
    best_step: int
    last_step: int
    last_weights: str
    learning_rate: float

    @property
    def improved(self) -> bool:
        """Whether any evaluation after the start was better than it."""
        return self.best_step > 0

    def warning(self) -> tuple[str, str] | None:
        """A stable code and a sentence, where the start was not beaten or the last step is worse than it; else None."""
        if not self.improved:
            return "not-improved", self.not_improved()
        if not self.last.is_worse:
            return None
        fell = f"{self.last.metric} fell from {self.last.before:.4f} to {self.last.after:.4f} ({self.last.gain:+.4f})"
        return "got-worse", f"The model got worse than its start: {fell}. The best checkpoint is step {self.best_step}."

    def not_improved(self) -> str:
        """What is saved where nothing beat the start."""
        return (
            f"Training did not improve {self.last.metric}: {self.last.before:.4f} at the start, {self.last.after:.4f} "
            f"after step {self.last_step}, the last, and never better between. The saved model has the weights of the "
            "start."
        )

    def where_the_last_are(self, folder: str = "") -> str:
        """Where the weights are that were trained and not saved as the model. folder: of the run, ending in a slash."""
        return (
            f"The weights of step {self.last_step} are in {folder}{self.last_weights}; "
            "with checkpoint.best_metric: null a run saves its last ones."
        )

    def what_to_try(self) -> str:
        """Advice by how the metric went; for a run that did not improve it."""
        if self.last.before >= _NOTHING_TO_GAIN:
            return f"{self.last.metric} has nothing to gain: measure on data that the start does not solve."
        if self.last.is_worse:
            rate = f"train.learning_rate: {self.learning_rate / 10:g} (now {self.learning_rate:g})"
            return f"Try {rate}, {_ANOTHER_LOSS}, or training data nearer to what is measured."
        rate = f"train.learning_rate: {self.learning_rate * 10:g} (now {self.learning_rate:g})"
        return f"Try {rate}, more steps (train.num_train_epochs), or {_ANOTHER_LOSS}."
