"""Evaluation within a run: the config's evaluation sets, measured with the model as it stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from embtune.catalog.choices import Similarity
from embtune.config import LoadedConfig
from embtune.errors import ConfigError
from embtune.evaluate.choose import all_metric_names, check_best_metric, evaluator_for
from embtune.evaluate.class_pairs import PairClassifier
from embtune.evaluate.evaluator import Encode, Evaluator, evaluated_dims
from embtune.evaluate.scoring import Embeddings
from embtune.losses.objective import MAIN_TOWER
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.pipeline.datasets import EvalSet
from embtune.pipeline.texts import RoleTexts, role_texts
from embtune.pipeline.together import Together
from embtune.pipeline.towers import embedders
from embtune.report.progress import Advance, Progress
from embtune.train.precision import MixedPrecision
from embtune.train.processes import Alone, Processes


@dataclass(frozen=True)
class EvalTask:
    """An evaluator and how the texts of its roles are written."""

    evaluator: Evaluator
    texts: RoleTexts


@dataclass(frozen=True)
class Evaluation:
    """What is measured, at which widths; None is the full one."""

    tasks: tuple[EvalTask, ...]
    dims: tuple[int | None, ...]

    @property
    def evaluators(self) -> tuple[Evaluator, ...]:
        """One for each evaluation set."""
        return tuple(task.evaluator for task in self.tasks)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric in which higher is better."""
        return all_metric_names(self.evaluators, self.dims)

    @property
    def headline(self) -> tuple[str, ...]:
        """The main metric of each set at every width."""
        return tuple(
            name
            for task in self.tasks
            for name in task.evaluator.score_names(self.dims)
            if name.endswith(f"/{task.evaluator.primary_metric}")
        )


@dataclass(frozen=True)
class Measured:
    """Flat metrics, and the seconds they took."""

    metrics: dict[str, float]
    seconds: float


def build_evaluation(
    loaded: LoadedConfig, sets: Sequence[EvalSet], model: TextEmbedder, classifiers: Sequence[PairClassifier]
) -> Evaluation:
    """One evaluator an evaluation set.

    Args:
        classifiers: the heads trained beside the model.

    Raises:
        ConfigError: a set has no evaluator, or names a prompt that the model lacks.
        DataError: there is nothing to measure in a set.
    """
    evaluators = _evaluators(loaded, sets, model.similarity, classifiers)
    tasks = [
        EvalTask(evaluator, role_texts(loaded, model, each.config))
        for evaluator, each in zip(evaluators, sets, strict=True)
    ]
    return Evaluation(tuple(tasks), evaluated_dims(model.embedding_dim, trained_dims(loaded)))


def check_evaluation(loaded: LoadedConfig, sets: Sequence[EvalSet]) -> None:
    """What can be known of the evaluation without the model.

    Raises:
        ConfigError: a set has no evaluator, or no evaluator gives the metric that chooses the best checkpoint.
        DataError: there is nothing to measure in a set.
    """
    evaluators = _evaluators(loaded, sets, Similarity.COSINE, ())
    best_metric(loaded, evaluators, (None, *trained_dims(loaded)))


def _evaluators(
    loaded: LoadedConfig, sets: Sequence[EvalSet], similarity: Similarity, classifiers: Sequence[PairClassifier]
) -> tuple[Evaluator, ...]:
    evaluators = []
    asked = () if loaded.config.eval.evaluators == "auto" else loaded.config.eval.evaluators
    for each in sets:
        location = loaded.problem(each.key, "", "").location
        heads = {each.classes: each.heads for each in classifiers}.get(each.head_classes, {})
        judge = heads if each.head_classes else None
        evaluators.append(evaluator_for(each.data, similarity, location, asked, judge))
        _check_asked(loaded, evaluators[-1])
    return tuple(evaluators)


def _check_asked(loaded: LoadedConfig, evaluator: Evaluator) -> None:
    """A set whose evaluator `eval.evaluators` does not name would be read for nothing."""
    asked = loaded.config.eval.evaluators
    if asked == "auto" or evaluator.word in asked:
        return
    message = f"the rows of {evaluator.name!r} are for the evaluator {evaluator.word}, which is not listed"
    hint = f"Add {evaluator.word}, leave the set out of data.eval, or write eval.evaluators: auto."
    raise ConfigError(loaded.problem(("eval", "evaluators"), "evaluator-not-listed", message, hint))


def trained_dims(loaded: LoadedConfig) -> tuple[int, ...]:
    """The widths that any modifier trains."""
    return tuple(dim for modifier in loaded.config.modifiers for dim in getattr(modifier.parameters, "dims", ()))


def best_metric(loaded: LoadedConfig, evaluators: Sequence[Evaluator], dims: Sequence[int | None]) -> str | None:
    """The metric that chooses the best checkpoint, checked against those there are; None keeps the last.

    Raises:
        ConfigError: no evaluator gives the metric that the config names.
    """
    asked = loaded.config.checkpoint.best_metric
    if asked is None or (asked == "auto" and not evaluators):
        return None
    if asked == "auto":
        return evaluators[0].primary
    location = loaded.problem(("checkpoint", "best_metric"), "", "").location
    return check_best_metric(asked, all_metric_names(evaluators, dims), location)


def measure(
    model: TextEmbedder,
    evaluation: Evaluation,
    precision: MixedPrecision,
    token_budget: int,
    progress: Progress,
    check_stop: Callable[[], None],
    processes: Processes | None = None,
) -> Measured:
    """Measure the model as it stands; of several processes each embeds a part of the texts, and all get the metrics.

    Args:
        token_budget: token slots of one forward pass.
        check_stop: called as texts are done, by all processes at the same places; may raise to end the evaluation.
        processes: that measure together; None is this one alone.
    """
    started = time.perf_counter()
    results: dict[str, float] = {}
    together = Together(processes or Alone(), check_stop)
    for task in evaluation.tasks:
        with progress.stage(f"evaluating {task.evaluator.name}") as advance:
            encode = _encoder(model, task.texts, precision, token_budget, advance, together)
            results |= together.of_first(
                partial(task.evaluator.run, encode, evaluation.dims), partial(task.evaluator.embed, encode)
            )
    return Measured(results, time.perf_counter() - started)


def _encoder(
    model: TextEmbedder,
    texts_of: RoleTexts,
    precision: MixedPrecision,
    token_budget: int,
    advance: Advance,
    together: Together,
) -> Encode:
    towers = embedders(model)

    def encode(texts: Sequence[str], role: str | None) -> Embeddings:
        written = texts_of.of(role)
        embed = partial(
            encode_texts,
            towers[written.tower or MAIN_TOWER],
            prompt=written.prompt,
            token_budget=token_budget,
            autocast=precision.autocast,
            max_length=written.max_length,
        )
        return together.embedded(embed, texts, advance)

    return encode
