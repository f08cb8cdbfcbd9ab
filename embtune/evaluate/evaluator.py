"""What an evaluator is: a dataset with labels, and the measures it takes of a model's embeddings of that dataset.

The texts are embedded once. Every width (a Matryoshka model is meant to be cut) is measured on those same embeddings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from embtune.catalog.choices import Similarity
from embtune.config.words import EvaluatorName
from embtune.errors import RunError
from embtune.evaluate.scoring import Embeddings, truncated

Encode = Callable[[Sequence[str], str | None], Embeddings]
"""Texts and their role ("anchor", "query", ...; decides the prompt) to (N, D) float32."""


class Evaluator(ABC):
    """Base of all. Leaves say which measures they take, embed their texts and measure.

    word: its name in the config.
    metrics: every measure `run` gives, without dataset and width. All are finite numbers; where a measure is undefined
        (rank correlation of equal scores) it is 0.0, the value of no information.
    primary_metric: the one that stands for the evaluator.
    thresholds: those of `metrics` that are settings found on the way, neither better nor worse when higher.
    """

    word: ClassVar[EvaluatorName]
    metrics: ClassVar[tuple[str, ...]]
    primary_metric: ClassVar[str]
    thresholds: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, name: str, similarity: Similarity = Similarity.COSINE) -> None:
        self.name = name
        self.similarity = similarity

    @abstractmethod
    def embed(self, encode: Encode) -> tuple[Embeddings, ...]:
        """The embeddings `measure` needs, each text once a role."""

    @abstractmethod
    def measure(self, embeddings: tuple[Embeddings, ...]) -> dict[str, float]:
        """One value for each of `metrics`, from what `embed` gave, cut to one width."""

    @property
    def primary(self) -> str:
        """The key of the primary metric at full width."""
        return metric_key(self.name, None, self.primary_metric)

    def metric_names(self, dims: Sequence[int | None]) -> tuple[str, ...]:
        """The keys `run` will give for these widths, in the same order; known before any model is."""
        return tuple(metric_key(self.name, dim, metric) for dim in dims for metric in self.metrics)

    def score_names(self, dims: Sequence[int | None]) -> tuple[str, ...]:
        """Those of `metric_names` of which higher is better."""
        metrics = [metric for metric in self.metrics if metric not in self.thresholds]
        return tuple(metric_key(self.name, dim, metric) for dim in dims for metric in metrics)

    def run(self, encode: Encode, dims: Sequence[int | None] = (None,)) -> dict[str, float]:
        """Measure the model behind `encode` at each width; None is the full one.

        Raises:
            RunError: the model gives embeddings that are not finite.
            ValueError: the embeddings are narrower than a width asked for.
        """
        embeddings = self.embed(encode)
        self._check_finite(embeddings)
        results: dict[str, float] = {}
        for dim in dims:
            values = self.measure(tuple(truncated(each, dim) for each in embeddings))
            results |= {metric_key(self.name, dim, metric): values[metric] for metric in self.metrics}
        return results

    def _check_finite(self, embeddings: tuple[Embeddings, ...]) -> None:
        bad = sum(int((~np.isfinite(each).all(axis=1)).sum()) for each in embeddings)
        if bad:
            total = sum(len(each) for each in embeddings)
            raise RunError.of(
                "non-finite-embedding",
                f"the model gives NaN or infinite embeddings for {bad:,} of {total:,} texts of {self.name!r}",
                "The training diverged: lower train.learning_rate, or use train.precision: fp32.",
            )


def metric_key(dataset: str, dim: int | None, metric: str) -> str:
    """`dataset/metric` at full width, `dataset@dim/metric` for embeddings cut to `dim`."""
    return f"{dataset}/{metric}" if dim is None else f"{dataset}@{dim}/{metric}"


def evaluated_dims(embedding_dim: int, wanted: Sequence[int] = ()) -> tuple[int | None, ...]:
    """The widths to measure: the full one, then the narrower ones of `wanted`, widest first."""
    return (None, *sorted({dim for dim in wanted if dim < embedding_dim}, reverse=True))
