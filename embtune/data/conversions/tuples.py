"""Triplets and n-tuples, read row by row: fewer texts a row, a row for each negative, negatives as columns or a list.

A row holds the negatives that it has as `negative`, or as `negative_1` and so on.
"""

from __future__ import annotations

from embtune.catalog.roles import LIST_ROLE, is_negative
from embtune.data.conversions.step import Seen, Step
from embtune.data.row import Row, Rows


def pairs(rows: Rows, step: Step) -> Rows:
    """Anchor and positive, each pair once; a hash of each pair is held."""
    seen = Seen()
    for row in rows:
        if seen.again(str(row.values["anchor"]), str(row.values["positive"])):
            step.tally.leave_out("row", "repeated a pair")
        else:
            yield Row(_pair(row), row.location)


def triplets(rows: Rows, step: Step) -> Rows:
    """A row for each negative; one that equals the row's anchor or positive is left out."""
    for row in rows:
        pair = _pair(row)
        for negative in _negatives(row):
            if negative in pair.values():
                step.tally.leave_out("negative", "equal to the anchor or the positive")
            else:
                yield Row({**pair, "negative": negative}, row.location)


def as_list(rows: Rows, step: Step) -> Rows:
    """The same rows with all negatives in the column `negatives`."""
    for row in rows:
        yield Row({**_pair(row), LIST_ROLE: _negatives(row)}, row.location)


def as_columns(rows: Rows, step: Step) -> Rows:
    """The same rows with a column for each negative, null where a row has fewer; all are held to know how many."""
    data = step.held(as_list(rows, step))
    for number in range(len(data)):
        yield Row({role: data.text(number, role) for role in data.roles}, data.location(number))


def _pair(row: Row) -> dict[str, object]:
    return {role: row.values[role] for role in ("anchor", "positive")}


def _negatives(row: Row) -> list[object]:
    return [text for role, text in row.values.items() if is_negative(role) and text is not None]
