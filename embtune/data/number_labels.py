"""Labels that are numbers: scores, teacher embeddings, margins and scores of passages."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embtune.data.bad_rows import BadValueError
from embtune.data.label_base import LabelArray, Labels, number, numbers
from embtune.data.readers.json_lines import json_kind
from embtune.data.texts import parsed_list


class ScoreLabels(Labels):
    """A similarity from 0 to 1."""

    def __init__(self) -> None:
        self._labels: list[float] = []
        self._lowest, self._highest = 0.0, 1.0

    def cast(self, value: object, negatives: int) -> object:
        """The score as a float."""
        score = number(value)
        self._lowest, self._highest = min(self._lowest, score), max(self._highest, score)
        if not 0 <= score <= 1:
            raise BadValueError("score-range", f"is {score:g}, expected a score from 0 to 1")
        return score

    def add(self, label: object) -> None:
        """Keep a score."""
        assert isinstance(label, float), "cast gives floats"
        self._labels.append(label)

    def array(self) -> LabelArray:
        """(N,) float32."""
        return np.array(self._labels, dtype=np.float32)

    def remark(self) -> str | None:
        """How to bring scores of another scale to 0 to 1."""
        if self._lowest < 0:
            return f"the scores go from {self._lowest:g} to {self._highest:g}: shift and divide them to 0 to 1"
        if self._highest > 1:
            return f"the highest score is {self._highest:g}: divide all scores by the top of their scale, such as 5"
        return None


class VectorLabels(Labels):
    """Teacher embeddings: one vector for the row, or one for each of its `texts` texts. All have one width."""

    def __init__(self, texts: int) -> None:
        self._texts = texts
        self._shape: tuple[int, ...] | None = None
        self._labels: list[NDArray[np.float32]] = []

    def cast(self, value: object, negatives: int) -> object:
        """(D,) or (texts, D) float32."""
        items = parsed_list(value)
        if not items:
            raise BadValueError("label-not-vector", f"is {json_kind(value)}, expected a list of numbers")
        vector = self._nested(items) if isinstance(items[0], list | tuple) else numbers(items)
        if self._shape is not None and vector.shape != self._shape:
            found, first = _shape_words(vector.shape), _shape_words(self._shape)
            raise BadValueError("vector-length", f"is {found}, but the rows before have {first}")
        return vector

    def _nested(self, items: list[object]) -> NDArray[np.float32]:
        if len(items) != self._texts:
            reason = f"holds {len(items)} vectors for {self._texts} texts, expected one vector, or one for each text"
            raise BadValueError("label-length", reason)
        rows = [numbers(parsed_list(item) or []) for item in items]
        if not rows[0].size or len({len(row) for row in rows}) > 1:
            raise BadValueError("vector-length", f"holds vectors of lengths {[len(row) for row in rows]}")
        return np.stack(rows)

    def add(self, label: object) -> None:
        """Keep a vector; the first one sets the shape of all."""
        assert isinstance(label, np.ndarray), "cast gives arrays"
        self._shape = label.shape
        self._labels.append(label)

    def array(self) -> LabelArray:
        """(N, D) or (N, texts, D) float32."""
        return np.stack(self._labels)


class PassageLabels(Labels):
    """A number for each passage of the row: its negatives, and with `extra` 1 the positive before them.

    A score, but not a margin, may be -inf: the teacher rules the passage out.
    Rows with fewer negatives than the widest are padded with 0; which passages are there, `text_ids` says.
    """

    def __init__(self, extra: int, single: bool) -> None:
        self._extra = extra
        self._single = single  # one negative, a role without a number: a plain number is stored as one
        self._labels: list[NDArray[np.float32]] = []

    def cast(self, value: object, negatives: int) -> object:
        """(passages,) float32."""
        items = parsed_list(value)
        values = [value] if items is None else items
        found = _scores(values) if self._extra else numbers(values)
        expected = self._extra + negatives
        if len(found) != expected:
            passages = f"the positive and {negatives} negative(s)" if self._extra else f"{negatives} negative(s)"
            raise BadValueError("label-length", f"holds {len(found)} number(s), expected {expected}: {passages}")
        return found

    def add(self, label: object) -> None:
        """Keep a row's numbers."""
        assert isinstance(label, np.ndarray), "cast gives arrays"
        self._labels.append(label)

    def array(self) -> LabelArray:
        """(N, passages of the widest row) float32, or (N,) for the margin of a lone negative."""
        lengths = np.array([len(label) for label in self._labels])
        padded = np.zeros((len(self._labels), lengths.max()), dtype=np.float32)
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate(self._labels)
        return padded[:, 0] if self._single else padded


def _scores(values: Sequence[object]) -> NDArray[np.float32]:
    """(len(values),) float32, finite or -inf, but not all -inf: such a row would say nothing."""
    ruled_out = np.array([value == -math.inf for value in values], dtype=bool)
    if values and ruled_out.all():
        raise BadValueError("label-not-finite", "holds nothing but -inf, expected a finite score in each row")
    found = numbers([0.0 if out else value for value, out in zip(values, ruled_out, strict=True)])
    found[ruled_out] = -np.inf
    return found


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"one vector of {shape[0]}" if len(shape) == 1 else f"{shape[0]} vectors of {shape[1]}"
