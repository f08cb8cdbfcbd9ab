"""What collects the labels of a dataset, and the numbers in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embtune.data.bad_rows import BadValueError
from embtune.data.readers.json_lines import json_kind

LabelArray = NDArray[np.int64] | NDArray[np.float32]
_LARGEST = float(np.finfo(np.float32).max)


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
    if not abs(found) <= _LARGEST:  # written so that NaN fails too
        raise BadValueError("label-not-finite", f"is {found}, expected a finite 32-bit number")
    return found


def numbers(values: Sequence[object]) -> NDArray[np.float32]:
    """(len(values),) float32 of finite numbers."""
    fast = _plain_floats(values)
    return np.array([number(value) for value in values], dtype=np.float32) if fast is None else fast


def _plain_floats(values: Sequence[object]) -> NDArray[np.float32] | None:
    """The array where all values are good floats: looking at each of a teacher's numbers takes ten times as long."""
    if not all(type(value) is float for value in values):
        return None
    wide = np.array(values, dtype=np.float64)
    return wide.astype(np.float32) if np.all(np.abs(wide) <= _LARGEST) else None
