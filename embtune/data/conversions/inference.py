"""Pairs of a premise and a hypothesis whose class says whether one follows from the other (NLI)."""

from __future__ import annotations

from enum import Enum

from embtune.catalog.roles import LABEL_ROLE
from embtune.data.conversions.step import Step
from embtune.data.row import Row, Rows, stop


class Relation(Enum):
    """What a premise says of a hypothesis."""

    ENTAILMENT = "entailment"
    NEUTRAL = "neutral"
    CONTRADICTION = "contradiction"
    UNJUDGED = "as not judged"


_WORDS = {
    Relation.ENTAILMENT: ("entailment", "entailed", "entails", "entail", "e"),
    Relation.NEUTRAL: ("neutral", "n"),
    Relation.CONTRADICTION: ("contradiction", "contradicted", "contradicts", "contradictory", "contradict", "c"),
    Relation.UNJUDGED: ("-", "-1"),  # SNLI's rows whose judges do not agree
}
_BY_WORD = {word: relation for relation, words in _WORDS.items() for word in words}
_BY_NUMBER = {"0": Relation.ENTAILMENT, "1": Relation.NEUTRAL, "2": Relation.CONTRADICTION}  # as SNLI and MNLI have it
_NUMBERS_NOTE = "the labels 0, 1 and 2 are read as entailment, neutral and contradiction, as SNLI and MNLI number them"


def binary(rows: Rows, step: Step) -> Rows:
    """Entailed pairs with 1 and contradicted ones with 0, read row by row; neutral ones are left out.

    Raises:
        DataError: a label is no such relation.
    """
    for row in rows:
        relation = _relation(row, step)
        if relation in (Relation.ENTAILMENT, Relation.CONTRADICTION):
            yield Row({**row.values, LABEL_ROLE: int(relation is Relation.ENTAILMENT)}, row.location)
        else:
            step.tally.leave_out("row", f"labelled {relation.value}")


def _relation(row: Row, step: Step) -> Relation:
    label = str(row.values[LABEL_ROLE]).strip().casefold()
    if label in _BY_NUMBER:
        step.tally.note(_NUMBERS_NOTE)
        return _BY_NUMBER[label]
    found = _BY_WORD.get(label)
    if found is None:
        message = f"the label {row.values[LABEL_ROLE]!r} does not say whether one text follows from the other"
        stop("cannot-convert", message, row.location, "labels are entailment, neutral and contradiction, or 0, 1 and 2")
    return found
