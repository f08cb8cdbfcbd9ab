"""What a label column is, from its values and from the texts beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embtune.catalog.roles import is_negative
from embtune.catalog.spec import LabelKind
from embtune.data.columns import Cell, Column, folded

_SCORE_NAMES = frozenset({"score", "scores", "similarity", "similarityscore"})
_DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d+\s*")
_TRUTH = frozenset({"true", "false"})  # as csv spells them
_LISTS = (Cell.NUMBERS, Cell.VECTORS)


@dataclass(frozen=True)
class LabelReading:
    """One way to read a label column, and why it can be read so."""

    kind: LabelKind
    reason: str


def label_readings(column: Column, roles: Sequence[str], list_column: Column | None = None) -> list[LabelReading]:
    """The ways to read `column` beside texts with these roles, the likeliest first; never empty.

    Args:
        column: the label's.
        roles: those of the texts.
        list_column: the column of the role `negatives`, where there is one.
    """
    negatives = [role for role in roles if is_negative(role)]
    if column.cell in _LISTS:
        return [_list_reading(column, negatives, list_column)]
    numbers = column.numbers()
    if numbers and negatives and len(roles) > 2:
        return [LabelReading(LabelKind.MARGIN, "one number beside a negative: by how much the positive is better")]
    if numbers is None:
        classes = LabelReading(LabelKind.CLASS, _word_reason(column))
        is_truth = len(roles) == 2 and {str(value).strip().casefold() for value in column.values} <= _TRUTH
        return [LabelReading(LabelKind.BINARY, "only true and false"), classes] if is_truth else [classes]
    return _number_readings(column, numbers, is_pair=len(roles) == 2)


def _word_reason(column: Column) -> str:
    found = f"words, {len(set(map(str, column.values)))} different ones in the sample"
    comma = next((value for value in column.values if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value)), None)
    return found if comma is None else f"{found}; {comma} would be a number as {comma.replace(',', '.')}"


def _list_reading(column: Column, negatives: Sequence[str], list_column: Column | None) -> LabelReading:
    if not negatives or column.cell is Cell.VECTORS:
        return LabelReading(LabelKind.VECTOR, "lists of numbers: teacher embeddings")
    if list_column is not None:
        # the reader checks each row against its own list; here a few bad rows must not decide, so means are compared
        if round(_mean_length(column) - _mean_length(list_column)) == 0:
            return LabelReading(LabelKind.MARGIN, "as many numbers as negatives: margins")
        return LabelReading(LabelKind.SCORES, "lists of numbers beside negatives: a score for each passage")
    length = max(len(value) for value in column.values if isinstance(value, list | tuple))
    if length == len(negatives):
        return LabelReading(LabelKind.MARGIN, f"{length} numbers for {length} negatives: margins")
    return LabelReading(
        LabelKind.SCORES, f"{length} numbers beside {len(negatives)} negatives: a score for each passage"
    )


def _mean_length(column: Column) -> float:
    lengths = [len(value) for value in column.values if isinstance(value, list | tuple)]
    return sum(lengths) / max(1, len(lengths))


def _number_readings(column: Column, numbers: Sequence[float], is_pair: bool) -> list[LabelReading]:
    whole = all(number.is_integer() for number in numbers)
    score = LabelReading(LabelKind.SCORE, _score_reason(numbers))
    classes = LabelReading(LabelKind.CLASS, _whole_reason(numbers))
    if not is_pair:
        return [classes, score] if whole else [score]
    if not whole:
        return [score]
    if set(numbers) <= {0.0, 1.0}:
        binary = LabelReading(LabelKind.BINARY, "only 0 and 1")
        return [score, binary, classes] if _is_score(column) else [binary, classes, score]
    return [score, classes] if _is_score(column) else [classes, score]


def _whole_reason(numbers: Sequence[float]) -> str:
    found = f"whole numbers, {len(set(numbers))} different ones in the sample"
    return f"{found}; -1 and 1 would be a judgement as 0 and 1" if set(numbers) == {-1.0, 1.0} else found


def _is_score(column: Column) -> bool:
    """Whether the name says score, and the values do not say otherwise by being integers or booleans 0 and 1."""
    return folded(column.name) in _SCORE_NAMES and not all(
        isinstance(value, int) and value in (0, 1) for value in column.values
    )


def _score_reason(numbers: Sequence[float]) -> str:
    if not numbers:
        return "numbers"
    low, high = min(numbers), max(numbers)
    found = f"numbers from {low:g} to {high:g}"
    if low >= 0 and high <= 1:
        return found
    return f"{found}; a score must be within 0 and 1, so these need to be rescaled"
