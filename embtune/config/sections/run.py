"""`eval:`, `checkpoint:`, `logging:` and `hub:` what happens around the optimisation."""

from __future__ import annotations

from pydantic import Field

from embtune.config.sections.base import Auto, Flag, Interval, PositiveInt, Section, Text
from embtune.config.words import EvaluatorName, Resume


class EvalConfig(Section):
    """`eval:` when the model is evaluated, and by what."""

    steps: Interval | None = Field(
        default=0.1,
        description="Steps between evaluations, or their share of training; null evaluates at start and end alone.",
    )
    on_start: Flag = Field(default=True, description="Evaluate before the first step, so that the gain is known.")
    evaluators: Auto | tuple[EvaluatorName, ...] = Field(
        default="auto", description="Which evaluators run; auto chooses by the format of each evaluation set."
    )


class CheckpointConfig(Section):
    """`checkpoint:` what is saved during training, and which model is kept."""

    steps: Interval | None = Field(
        default=0.1, description="Steps between checkpoints, or their share of training; null saves at the end alone."
    )
    keep: PositiveInt | None = Field(default=2, description="How many of the newest checkpoints stay; null keeps all.")
    best_metric: Text | None = Field(
        default="auto",
        description="Metric that chooses the best checkpoint, as <dataset>/<metric>; auto takes the main metric of the "
        "first evaluation set, null takes the last checkpoint.",
    )
    resume: Resume = Field(default=Resume.AUTO, description="Continue the run in output_dir where one was stopped.")


class LoggingConfig(Section):
    """`logging:` how often a step is logged, and to whom."""

    steps: PositiveInt = Field(default=10, description="Steps between two log lines.")
    report_to: tuple[Text, ...] = Field(default=(), description="Trackers the run is reported to; none unless named.")


class HubConfig(Section):
    """`hub:` whether the trained model is uploaded."""

    push: Flag = Field(default=False, description="Upload the trained model when the run is done.")
    repo_id: Text | None = Field(default=None, description="Where to, as owner/name.")
