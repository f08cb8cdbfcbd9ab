"""Pairs labelled 1 or 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embtune.catalog.roles import LABEL_ROLE
from embtune.data.conversions.partners import Partners
from embtune.data.conversions.step import Seen, Step
from embtune.data.row import Row, Rows


def pairs(rows: Rows, step: Step) -> Rows:
    """The pairs labelled 1, read row by row; a pair of equal texts says nothing and is left out, as is a repetition."""
    seen = Seen()
    for row in rows:
        first, second = str(row.values["sentence_A"]), str(row.values["sentence_B"])
        if row.values[LABEL_ROLE] != 1:
            step.tally.leave_out("row", "labelled 0")
        elif first == second:
            step.tally.leave_out("row", "held a text twice")
        elif seen.again(first, second):
            step.tally.leave_out("row", "repeated a pair")
        else:
            yield Row({"anchor": first, "positive": second}, row.location)


def triplets(rows: Rows, step: Step) -> Rows:
    """For each pair labelled 1, `negatives` rows with texts that stand beside the same text labelled 0.

    Labels are true in both directions: where the first text has no such partner, the second may be the anchor. A text
    that is labelled both 1 and 0 beside the anchor is no negative of it.
    """
    data = step.held(rows)
    assert data.labels is not None, "pairs with 1 or 0"
    judged = list(zip(*(data.text_ids[role].tolist() for role in data.roles), data.labels.tolist(), strict=True))
    partners = Partners(data.texts, step.draws)
    for first, second, label in judged:
        partners.add(first, second, label == 1)
        partners.add(second, first, label == 1)
    for number, (first, second) in _alike(judged, data.texts, step):
        anchor, positive, negatives = _best(partners, first, second, step.negatives)
        if not negatives:
            step.tally.leave_out("pair", "had no text labelled 0 beside either of its texts")
        for negative in negatives:
            values = {"anchor": anchor, "positive": positive, "negative": negative}
            yield Row({role: data.texts[text] for role, text in values.items()}, data.location(number))


def _alike(
    judged: Sequence[tuple[int, int, int]], texts: Sequence[str], step: Step
) -> Iterator[tuple[int, tuple[int, int]]]:
    """Row and texts of each pair labelled 1, once; of both directions the one that is first by the alphabet."""
    directed = {(first, second) for first, second, label in judged if label == 1}
    done: set[tuple[int, int]] = set()
    for number, (first, second, label) in enumerate(judged):
        if label != 1:
            continue
        is_turned = (second, first) in directed and texts[second] < texts[first]
        if first == second:
            step.tally.leave_out("row", "held a text twice")
        elif is_turned or (first, second) in done:
            step.tally.leave_out("row", "repeated a pair")
        else:
            done.add((first, second))
            yield number, (first, second)


def _best(partners: Partners, first: int, second: int, count: int) -> tuple[int, int, list[int]]:
    """Anchor, positive and negatives: the first text is the anchor unless only the second has negatives."""
    negatives = partners.negatives(first, second, count)
    if negatives:
        return first, second, negatives
    return second, first, partners.negatives(second, first, count)
