"""Print how far embtune's losses are from Sentence Transformers 6.2 and from a float64 reference; exit 1 if too far.

Usage: .venv/bin/python scripts/parity.py [--worst]

The cases and both references are the tests' own (`tests/losses`); `--worst` prints one line a loss, not one a case.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "losses")]

from parity_cases import (  # noqa: E402
    GRADIENT_TOLERANCE,
    VALUE_TOLERANCE,
    ParityCase,
    differences,
    embtune_outcome,
    reference_outcome,
    sentence_transformers_outcome,
)
from parity_grid import all_cases  # noqa: E402

COLUMNS = ("ST value", "ST gradient", "float64 value", "float64 gradient")
Numbers = tuple[float | None, float | None, float, float]  # in the order of COLUMNS; None: not in Sentence Transformers


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    label: str
    numbers: Numbers

    @property
    def within(self) -> bool:
        """No difference is above its tolerance."""
        limits = (VALUE_TOLERANCE, GRADIENT_TOLERANCE) * 2
        return all(number is None or number <= limit for number, limit in zip(self.numbers, limits, strict=True))

    def __str__(self) -> str:
        numbers = "".join(f"{'-' if number is None else format(number, '.1e'):>18}" for number in self.numbers)
        return f"{'ok  ' if self.within else 'FAIL'}{numbers}  {self.label}"


def measure(case: ParityCase) -> Line:
    """All differences of one case."""
    found = embtune_outcome(case)
    theirs: tuple[float | None, float | None] = (None, None)
    if case.known_to_sentence_transformers:
        theirs = differences(found, sentence_transformers_outcome(case))
    return Line(case.label, (*theirs, *differences(found, reference_outcome(case))))


def worst_by_loss(cases: Iterable[tuple[ParityCase, Line]]) -> list[Line]:
    """The largest differences of each loss, alone and under Matryoshka."""
    groups: dict[str, list[Line]] = {}
    for case, line in cases:
        groups.setdefault(case.loss + (" under MatryoshkaLoss" if case.matryoshka else ""), []).append(line)
    return [
        Line(f"{name} ({len(lines)} cases)", _largest([line.numbers for line in lines]))
        for name, lines in groups.items()
    ]


def _largest(rows: list[Numbers]) -> Numbers:
    known = [[number for number in column if number is not None] for column in zip(*rows, strict=True)]
    return (max(known[0], default=None), max(known[1], default=None), max(known[2]), max(known[3]))


def main() -> int:
    """Measure, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worst", action="store_true", help="one line a loss: its largest differences")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # Sentence Transformers advises on parameters that are meant as they are
    measured = [(case, measure(case)) for case in all_cases()]
    lines = worst_by_loss(measured) if arguments.worst else [line for _, line in measured]
    print("    " + "".join(f"{name:>18}" for name in COLUMNS) + "  case")
    print("\n".join(str(line) for line in lines))
    failed = sum(not line.within for _, line in measured)
    print(f"{len(measured)} cases, {failed} beyond {VALUE_TOLERANCE:g} (values) or {GRADIENT_TOLERANCE:g} (gradients)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
