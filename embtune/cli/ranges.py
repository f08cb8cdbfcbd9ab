"""Values of options that are more than a word: ranges, and numbers that have to be finite."""

from __future__ import annotations

import math
from typing import NoReturn

from embtune.config.tree import COMMAND_LINE
from embtune.errors import Location, Problem, UsageError


def parse_range(option: str, text: str, lowest: float = -math.inf, highest: float = math.inf) -> tuple[float, float]:
    """`A:B`, both included; an end that is left out is the lowest or the highest there is.

    Raises:
        UsageError: it is none, or beyond these.
    """
    first, colon, last = text.partition(":")
    try:
        low, high = float(first or lowest), float(last or highest)
    except ValueError:
        low = high = math.nan
    if not colon or not lowest <= low <= high <= highest:
        bounds = "" if math.isinf(highest) else f" from {lowest:,} to {highest:,}"
        refuse_option(option, f"{text!r} is no range A:B{bounds}")
    return low, high


def parse_ranks(option: str, text: str, highest: int) -> tuple[int, int]:
    """The same for whole numbers from 1.

    Raises:
        UsageError: it is none, or beyond the highest.
    """
    low, high = parse_range(option, text, 1, highest)
    if not (low.is_integer() and high.is_integer()):
        refuse_option(option, f"{text!r} is no range of whole numbers")
    return int(low), int(high)


def check_finite(option: str, value: float | None) -> None:
    """Refuse NaN and infinity.

    Raises:
        UsageError: it is one of them.
    """
    if value is not None and not math.isfinite(value):
        refuse_option(option, f"{value} is no number to compare with")


def refuse_option(option: str, message: str) -> NoReturn:
    """Raise the error of an option's value."""
    raise UsageError(Problem("bad-option", f"{option}: {message}", Location(COMMAND_LINE)))
