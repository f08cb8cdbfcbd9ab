"""What stands in more than one row, or in two datasets.

Legend: N rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embtune.data.found import PLACES, Found
from embtune.data.places import Places
from embtune.data.row_hashes import Numbers, RowHashes
from embtune.errors import Location


@dataclass(frozen=True)
class Repeats:
    """Rows that have what an earlier row has.

    found: how many, and the first. earlier: for each of these, the row that has it first.
    """

    found: Found
    earlier: tuple[Location, ...]


def repeats(values: Numbers, places: Places, besides: Numbers | None = None) -> Repeats:
    """The rows whose value an earlier row has.

    Args:
        values: (N,) int64. places: of the N rows.
        besides: (N,) other values; rows that have one of these from an earlier row are left out.
    """
    order = np.argsort(values, kind="stable")
    is_first = _starts(values[order])
    firsts = np.maximum.accumulate(np.where(is_first, np.arange(len(values)), 0))
    first_of = np.empty(len(values), dtype=np.int64)
    first_of[order] = order[firsts]
    is_again = first_of != np.arange(len(values))
    if besides is not None:
        other = np.argsort(besides, kind="stable")
        is_again[other[~_starts(besides[other])]] = False
    again = np.flatnonzero(is_again)
    shown = again[:PLACES].tolist()
    found = Found(len(again), tuple(places.location(row) for row in shown))
    return Repeats(found, tuple(places.location(int(first_of[row])) for row in shown))


def _starts(ordered: Numbers) -> NDArray[np.bool_]:
    """(N,) whether a value of an ordered array is another than the one before."""
    is_first = np.ones(len(ordered), dtype=np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return is_first


def distinct(values: Numbers) -> int:
    """How many different values there are."""
    return len(np.unique(values))


def shared_rows(held: RowHashes, trained: RowHashes) -> Found:
    """The rows of one dataset whose first text is that of a row of another."""
    mine, theirs = (next(iter(each.texts.values())) for each in (held, trained))
    rows = np.flatnonzero(np.isin(mine, theirs))
    return Found(len(rows), tuple(held.places.location(int(row)) for row in rows[:PLACES]))
