"""The end of a run: choose the weights, save the model, read it back, tell the gain."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from embtune.errors import Location, RunError
from embtune.evaluate.saved_classifiers import save_classifiers
from embtune.losses.objective import MAIN_TOWER
from embtune.model.adapter import save_adapter
from embtune.model.embedder import TextEmbedder
from embtune.model.encode import encode_texts
from embtune.model.load import load_model
from embtune.model.lora import has_lora
from embtune.model.packing import pack_if_alike
from embtune.model.save import save_model
from embtune.pipeline.best import BestWeights
from embtune.pipeline.card import card_of
from embtune.pipeline.classifiers import trained_classifiers
from embtune.pipeline.memory import peak_memory_bytes
from embtune.pipeline.session import Session
from embtune.pipeline.towers import embedders
from embtune.report.gains import Gain, gains
from embtune.report.outcome import Outcome
from embtune.report.record import RunResult

_TOLERANCE, _MERGED_TOLERANCE = 1e-5, 1e-4  # merging low-rank updates rounds every weight once more
_TEXTS = 8


def finish(session: Session, best: BestWeights) -> RunResult:
    """Put the best weights back, save the model and say what the run came to.

    Low-rank updates are in the saved model; alone they are kept beside it. One process of a run does this.

    Raises:
        RunError: the model cannot be written, or what was written gives other vectors.
    """
    job, state = session.job, session.state
    after = state.last_metrics
    if state.best is not None:
        after = state.best.metrics
        if state.best.step != state.step:
            best.load(job.saved, state.best.step)
    scores = gains(state.first_metrics, after, job.evaluation.metric_names)
    if has_lora(job.model):
        _save_adapters(session)
    texts = list(job.inputs.train_sets[0].examples.texts[:_TEXTS])
    heads = trained_classifiers(job.inputs.train_sets, job.training.tasks)
    outcome = _outcome(session)
    card = job.loaded.hide(card_of(job, scores, outcome))
    save_and_read_back(job.model, session.directory.model, card, texts, partial(save_classifiers, heads))
    session.progress.gains([row for row in scores if row.metric in job.evaluation.headline])
    _tell(session, outcome)
    return RunResult(
        model=str(session.directory.model),
        steps=state.step,
        seconds=state.seconds,
        tokens=state.tokens,
        tokens_per_second=state.tokens / max(state.seconds, 1e-9),
        peak_memory_bytes=peak_memory_bytes(job.training.precision.device),
        metrics_before=state.first_metrics,
        metrics_after=after,
        metrics_last=state.last_metrics,
        best_metric=job.best_metric,
        best_step=state.best.step if state.best else None,
        improved=None if outcome is None else outcome.improved,
        advice=_advice(outcome),
        last_weights=_checkpoint(state.step),
    )


def _save_adapters(session: Session) -> None:
    """The updates of the model in `adapter/`, those of a model for queries in `adapter/query/`."""
    for tower, embedder in embedders(session.job.model).items():
        folder = session.directory.adapter if tower == MAIN_TOWER else session.directory.adapter / tower
        save_adapter(embedder, folder)
        session.progress.note(f"adapter, for PEFT: {folder}")


def _outcome(session: Session) -> Outcome | None:
    """What became of the metric that decides; None where none does, or the start was not measured."""
    state, metric = session.state, session.job.best_metric
    if metric is None or state.best is None or metric not in state.first_metrics:
        return None
    last = Gain(metric, state.first_metrics[metric], state.last_metrics[metric])
    rate = session.job.loaded.config.train.learning_rate
    return Outcome(last, state.best.step, state.step, _checkpoint(state.step), rate)


def _checkpoint(step: int) -> str:
    """Of the last step, which is always saved; relative to the run's directory."""
    return f"checkpoints/step-{step:06d}"


def _advice(outcome: Outcome | None) -> tuple[str, ...]:
    if outcome is None or outcome.improved:
        return ()
    return (outcome.not_improved(), outcome.where_the_last_are(), outcome.what_to_try())


def _tell(session: Session, outcome: Outcome | None) -> None:
    """The last lines that people see, where training did not do what it is for."""
    warning = outcome.warning() if outcome else None
    if outcome is None or warning is None:
        return
    session.warn(*warning)
    if not outcome.improved:
        session.progress.note(outcome.where_the_last_are(f"{session.directory.path}/"))
        session.progress.note(outcome.what_to_try())


def save_and_read_back(
    model: TextEmbedder, folder: Path, card: str, texts: list[str], more: Callable[[Path], None] | None = None
) -> None:
    """Save the model and check that what is on disk gives the same vectors.

    Args:
        model: in memory.
        folder: replaced when all is written.
        card: its README.md.
        texts: embedded by both.
        more: writes what is kept beside the model into its folder.

    Raises:
        RunError: it cannot be written, or gives other vectors or none that are finite.
    """
    save_model(model, folder, card, more)
    saved = load_model(str(folder)).to(model.device)
    pack_if_alike(saved)
    vectors = _by_each_tower(model, texts)
    if not np.isfinite(vectors).all():
        raise _diverged(folder)
    difference = float(np.abs(vectors - _by_each_tower(saved, texts)).max(initial=0.0))
    tolerance = _MERGED_TOLERANCE * float(np.abs(vectors).max(initial=1.0)) if has_lora(model) else _TOLERANCE
    if not difference <= tolerance:
        raise RunError.of(
            "saved-model-differs",
            f"the model in {folder} gives other vectors than the one in memory (by up to {difference:.1e})",
            "This is a fault of embtune: please report it with the config. The checkpoints are whole.",
        )


def _diverged(folder: Path) -> RunError:
    message = f"the trained model, saved as {folder}, gives vectors that hold NaN or infinity"
    hint = "The training diverged: lower train.learning_rate, or use train.precision: fp32."
    return RunError.of("non-finite-embedding", message, hint, Location(str(folder)))


def _by_each_tower(model: TextEmbedder, texts: list[str]) -> np.ndarray:
    """(towers x texts, D) all texts by the model, then by its model for queries where it has one."""
    return np.concatenate([encode_texts(embedder, texts) for embedder in embedders(model).values()])
