"""Labels by kind: each value checked and cast, and the array they make."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.spec import LabelKind
from embtune.data.bad_rows import BadValueError
from embtune.data.readers.json_lines import json_kind
from embtune.data.texts import parsed_list

LabelArray = NDArray[np.int64] | NDArray[np.float32]
_TRUTH = {"0": 0, "1": 1, "false": 0, "true": 1}


class Labels(ABC):
    """Collects the labels of a dataset. `cast` checks a value; `add` keeps what it gave, once the whole row is good."""

    @abstractmethod
    def cast(self, value: object, negatives: int) -> object:
        """The label of a row with so many negatives.

        Raises:
            BadValueError: it is no label of this kind.
        """

    @abstractmethod
    def add(self, label: object) -> None:
        """Keep a label that `cast` gave."""

    @abstractmethod
    def array(self) -> LabelArray:
        """All labels, one a row: (N,), (N, K) or (N, T, K)."""

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes by number; () where the label is no class."""
        return ()

    def remark(self) -> str | None:
        """What the bad labels of all rows say together, as advice."""
        return None


def labels_of(kind: LabelKind, roles: Sequence[str], class_names: Sequence[str] | None = None) -> Labels | None:
    """The collector for a kind of label; None for no label.

    Args:
        roles: the row's text roles; a lone `negative` makes margins one number a row.
        class_names: the classes of the training data, when this is data that its model is judged by.
    """
    match kind:
        case LabelKind.NONE:
            return None
        case LabelKind.CLASS:
            return ClassLabels(class_names)
        case LabelKind.BINARY:
            return BinaryLabels()
        case LabelKind.SCORE:
            return ScoreLabels()
        case LabelKind.VECTOR:
            return VectorLabels(texts=len(roles))
        case LabelKind.MARGIN:
            return PassageLabels(extra=0, single="negative" in roles)
        case LabelKind.SCORES:
            return PassageLabels(extra=1, single=False)


class ClassLabels(Labels):
    """Strings or integers, numbered in sorted order: by value where all are integers, else as text."""

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self._fixed = None if names is None else {name: number for number, name in enumerate(names)}
        self._number: dict[str, int] = {}
        self._labels: list[int] = []

    def cast(self, value: object, negatives: int) -> object:
        """The class's name."""
        name = _class_name(value)
        if self._fixed is not None and name not in self._fixed:
            known = ", ".join(sorted(self._fixed)[:8])
            raise BadValueError("unknown-class", f"is {name!r}, which is no class of the training data ({known} ...)")
        return name

    def add(self, label: object) -> None:
        """Keep a name."""
        self._labels.append(self._number.setdefault(str(label), len(self._number)))

    def class_names(self) -> tuple[str, ...]:
        """The given names, or those seen, sorted."""
        if self._fixed is not None:
            return tuple(self._fixed)
        if all(_is_integer(name) for name in self._number):
            return tuple(sorted(self._number, key=int))
        return tuple(sorted(self._number))

    def array(self) -> LabelArray:
        """(N,) int64 class numbers."""
        rank = {name: number for number, name in enumerate(self.class_names())}
        renumbered = np.array([rank[name] for name in self._number], dtype=np.int64)
        return renumbered[np.array(self._labels, dtype=np.int64)]


class BinaryLabels(Labels):
    """0 or 1, as numbers, booleans or their spelling."""

    def __init__(self) -> None:
        self._labels: list[int] = []

    def cast(self, value: object, negatives: int) -> object:
        """0 or 1."""
        if isinstance(value, str):
            found = _TRUTH.get(value.strip().lower())
        else:
            found = int(value) if isinstance(value, int | float) and value in (0, 1) else None
        if found is None:
            hint = "a score between 0 and 1 needs a loss for scores; several classes need a loss for classes"
            raise BadValueError("label-not-binary", f"is {json_kind(value)}, expected 0 or 1", hint)
        return found

    def add(self, label: object) -> None:
        """Keep 0 or 1."""
        assert isinstance(label, int), "cast gives integers"
        self._labels.append(label)

    def array(self) -> LabelArray:
        """(N,) int64."""
        return np.array(self._labels, dtype=np.int64)


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

    Rows with fewer negatives than the widest are padded with 0; which passages are there, `text_ids` says.
    """

    def __init__(self, extra: int, single: bool) -> None:
        self._extra = extra
        self._single = single  # one negative, a role without a number: a plain number is stored as one
        self._labels: list[NDArray[np.float32]] = []

    def cast(self, value: object, negatives: int) -> object:
        """(passages,) float32."""
        items = parsed_list(value)
        found = numbers([value] if items is None else items)
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


def number(value: object) -> float:
    """A finite float of a number or its spelling.

    Raises:
        BadValueError: it is none.
    """
    if value is None:
        raise BadValueError("null-label", "is null or an empty cell, expected a number")
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise BadValueError("label-not-number", f"is {json_kind(value)}, expected a number")
    if not math.isfinite(found):
        raise BadValueError("label-not-finite", f"is {found}, expected a finite number")
    return found


def numbers(values: Sequence[object]) -> NDArray[np.float32]:
    """(len(values),) float32 of finite numbers."""
    return np.array([number(value) for value in values], dtype=np.float32)


def _class_name(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))  # a column of integers with nulls comes out of parquet as floats
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        raise BadValueError("null-label", "is null, empty or NaN, expected a class")
    raise BadValueError("label-not-class", f"is {json_kind(value)}, expected a class: a text or an integer")


def _is_integer(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"one vector of {shape[0]}" if len(shape) == 1 else f"{shape[0]} vectors of {shape[1]}"
