"""What stands in more than one row, or in two datasets.

Legend: N rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def repeats(values: Numbers, places: Places) -> Repeats:
    """The rows whose value an earlier row has.

    Args:
        values: (N,) int64. places: of the N rows.
    """
    order = np.argsort(values, kind="stable")
    is_first = np.ones(len(values), dtype=bool)
    is_first[1:] = values[order][1:] != values[order][:-1]
    again = np.flatnonzero(~is_first)
    shown = again[np.argsort(order[again], kind="stable")[:PLACES]]
    firsts = np.maximum.accumulate(np.where(is_first, np.arange(len(values)), 0))
    found = Found(len(again), tuple(places.location(int(order[each])) for each in shown))
    return Repeats(found, tuple(places.location(int(order[firsts[each]])) for each in shown))


def distinct(values: Numbers) -> int:
    """How many different values there are."""
    return len(np.unique(values))


def shared_rows(held: RowHashes, trained: RowHashes) -> Found:
    """The rows of one dataset whose first text is that of a row of another."""
    mine, theirs = (next(iter(each.texts.values())) for each in (held, trained))
    rows = np.flatnonzero(np.isin(mine, theirs))
    return Found(len(rows), tuple(held.places.location(int(row)) for row in rows[:PLACES]))
