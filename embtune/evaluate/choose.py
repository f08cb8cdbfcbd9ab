"""Which evaluator a dataset gets: its roles and its kind of label decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embtune.catalog.choices import Similarity
from embtune.catalog.formats import (
    N_TUPLE,
    PAIR,
    PAIR_BINARY,
    PAIR_CLASS,
    PAIR_SCORE,
    TEXT_CLASS,
    describe_data,
    roles_fit,
)
from embtune.catalog.nearest import nearest
from embtune.catalog.spec import Format, LabelKind
from embtune.config.words import EvaluatorName
from embtune.data.examples import Examples
from embtune.data.retrieval import RetrievalSet, retrieval_from_pairs
from embtune.errors import ConfigError, DataError, Location, Problem
from embtune.evaluate.binary import BinaryEvaluator
from embtune.evaluate.class_pairs import ClassPairEvaluator
from embtune.evaluate.evaluator import Evaluator
from embtune.evaluate.nearest_centroid import NearestCentroidEvaluator
from embtune.evaluate.retrieval import RetrievalEvaluator
from embtune.evaluate.similarity import SimilarityEvaluator
from embtune.evaluate.translation import TranslationEvaluator
from embtune.evaluate.triplet import TripletEvaluator
from embtune.losses.pair_head import PairHead

_HOW_TO = "Every evaluation set needs at least two rows with something to tell apart: give it more, or leave it out."


@dataclass(frozen=True)
class _Rule:
    """Datasets of these formats get the evaluator that `build` makes; of several, that of the first rule."""

    word: EvaluatorName
    formats: tuple[Format, ...]
    build: Callable[[Examples, Similarity], Evaluator]
    says: str


def _retrieval_of_pairs(examples: Examples, similarity: Similarity) -> Evaluator:
    query_role, document_role = examples.roles
    return RetrievalEvaluator(retrieval_from_pairs(examples), similarity, query_role, document_role)


_RULES = (
    _Rule(
        EvaluatorName.RETRIEVAL,
        (PAIR,),
        _retrieval_of_pairs,
        "anchor, positive (retrieval over the distinct positives)",
    ),
    _Rule(
        EvaluatorName.TRANSLATION,
        (PAIR,),
        TranslationEvaluator,
        "anchor, positive with eval.evaluators: [translation] (the nearest is a translation)",
    ),
    _Rule(EvaluatorName.TRIPLET, (N_TUPLE,), TripletEvaluator, "anchor, positive, negative(s) (triplet accuracy)"),
    _Rule(
        EvaluatorName.SIMILARITY,
        (PAIR_SCORE, Format(PAIR.roles, LabelKind.SCORE)),
        SimilarityEvaluator,
        "two texts and a score (correlation)",
    ),
    _Rule(
        EvaluatorName.BINARY,
        (PAIR_BINARY, Format(PAIR.roles, LabelKind.BINARY)),
        BinaryEvaluator,
        "two texts and 1 or 0 (separation)",
    ),
    _Rule(
        EvaluatorName.NEAREST_CENTROID,
        (TEXT_CLASS, Format(TEXT_CLASS.roles, LabelKind.BINARY)),
        NearestCentroidEvaluator,
        "a text and a class (nearest class mean)",
    ),
)


_CLASS_PAIRS = "two texts and a class, where a head was trained on such pairs (accuracy)"


def evaluable_formats() -> tuple[str, ...]:
    """The formats that have an evaluator, a phrase each; for messages and help."""
    return (*(rule.says for rule in _RULES), _CLASS_PAIRS, "a folder with corpus, queries and qrels (retrieval)")


def evaluator_for(
    dataset: Examples | RetrievalSet,
    similarity: Similarity = Similarity.COSINE,
    location: Location | None = None,
    asked: Sequence[EvaluatorName] = (),
    heads: Mapping[int, PairHead] | None = None,
) -> Evaluator:
    """The evaluator of one dataset.

    Args:
        dataset: what to evaluate on.
        similarity: the model's.
        location: where the dataset is declared, for messages.
        asked: evaluators to prefer where several take the dataset, the most wanted first.
        heads: trained on the dataset's classes, by width; empty before they are built, None where there are none.

    Raises:
        ConfigError: no evaluator takes this format.
        DataError: no model could be told from another on these rows: there are none, or all have the same label.
    """
    if isinstance(dataset, RetrievalSet):
        return _checked(RetrievalEvaluator(dataset, similarity), location)
    if heads is not None and _is_of(dataset, PAIR_CLASS):
        _check_labels(dataset, location)
        return ClassPairEvaluator(dataset, heads, similarity)
    rules = [rule for rule in _RULES if any(_is_of(dataset, format) for format in rule.formats)]
    if rules:
        _check_labels(dataset, location)
        wanted = [rule for word in asked for rule in rules if rule.word is word]
        return _checked([*wanted, *rules][0].build(dataset, similarity), location)
    raise ConfigError(
        Problem(
            "no-evaluator",
            f"evaluation set {dataset.name!r} has {describe_data(dataset.roles, dataset.label_kind)}, "
            "for which there is no evaluator",
            location,
            f"Leave it out of data.eval, or evaluate on one of: {'; '.join(evaluable_formats())}.",
        )
    )


def all_metric_names(evaluators: Sequence[Evaluator], dims: Sequence[int | None]) -> tuple[str, ...]:
    """Every key a best checkpoint can be chosen by, at every width; higher is better in all."""
    return tuple(name for evaluator in evaluators for name in evaluator.score_names(dims))


def check_best_metric(name: str, names: Sequence[str], location: Location | None = None) -> str:
    """`name`, when it is one of `names`.

    Raises:
        ConfigError: it is not; the message says which is nearest and which there are.
    """
    if name in names:
        return name
    near = nearest(name, names)
    listed = ", ".join(names) if names else "none: there is no evaluation set"
    raise ConfigError(
        Problem(
            "unknown-metric",
            f"no evaluator gives a metric named {name!r}",
            location,
            (f"Did you mean {near!r}? " if near else "") + f"The metrics of this run: {listed}.",
            caret_width=len(name),
        )
    )


def _is_of(dataset: Examples, format: Format) -> bool:
    return dataset.label_kind is format.label and roles_fit(format.roles, dataset.roles)


def _check_labels(dataset: Examples, location: Location | None) -> None:
    if len(dataset) == 0:
        raise _nothing_to_measure(dataset.name, "has no rows", location)
    if dataset.labels is not None and len(np.unique(dataset.labels)) == 1:
        same = f"has one label only, {dataset.labels.flat[0]:g}, in all of its {len(dataset):,} rows"
        raise _nothing_to_measure(dataset.name, same, location)


def _checked(evaluator: Evaluator, location: Location | None) -> Evaluator:
    if isinstance(evaluator, RetrievalEvaluator) and len(evaluator.documents) < 2:
        raise _nothing_to_measure(evaluator.name, "has a single document, which every model finds", location)
    if isinstance(evaluator, TranslationEvaluator) and min(map(len, evaluator.texts)) < 2:
        raise _nothing_to_measure(evaluator.name, "has a single text on one side, which every model finds", location)
    if isinstance(evaluator, NearestCentroidEvaluator) and not evaluator.judged.any():
        raise _nothing_to_measure(evaluator.name, "has no two rows of the same class", location)
    return evaluator


def _nothing_to_measure(name: str, why: str, location: Location | None) -> DataError:
    return DataError(Problem("nothing-to-measure", f"evaluation set {name!r} {why}", location, _HOW_TO))
