"""Labels that name a class, and labels that are 0 or 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from embtune.data.bad_rows import BadValueError
from embtune.data.label_base import LabelArray, Labels
from embtune.data.readers.json_lines import json_kind

_TRUTH = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


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
