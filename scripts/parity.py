"""Print how far embtune's losses are from Sentence Transformers 6.2 and from a float64 reference; exit 1 if too far.

Usage: .venv/bin/python scripts/parity.py [--worst]

The cases and both references are the tests' own (`tests/losses`); `--worst` prints one line a loss, not one a case.
Below the table stands where embtune differs on purpose, and why.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "losses"), str(TESTS / "model")]

from denoising_case import DenoisingCase  # noqa: E402
from layer_cases import (  # noqa: E402
    embtune_layers,
    layer_cases,
    reference_layers,
    sentence_transformers_layers,
)
from parity_cases import (  # noqa: E402
    GRADIENT_TOLERANCE,
    VALUE_TOLERANCE,
    Outcome,
    ParityCase,
    differences,
    embtune_outcome,
    reference_outcome,
    sentence_transformers_outcome,
)
from parity_grid import all_cases  # noqa: E402
from transformers.utils.logging import disable_progress_bar  # noqa: E402

from embtune.catalog import all_specs  # noqa: E402

COLUMNS = ("ST value", "ST gradient", "float64 value", "float64 gradient")
Numbers = tuple[float | None, float | None, float, float]  # in the order of COLUMNS; None: not in Sentence Transformers
DIFFERS = re.compile(r"Differs from Sentence Transformers:(.*?)(?:\n\n|\Z)", re.DOTALL)


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


def measured() -> Iterator[tuple[str, Line]]:
    """Each case's row of the table, with the loss or combination it belongs to."""
    for case in all_cases():
        theirs = sentence_transformers_outcome(case) if case.known_to_sentence_transformers else None
        yield group_of(case), line(case.label, embtune_outcome(case), theirs, reference_outcome(case))
    for layered in layer_cases():
        theirs = sentence_transformers_layers(layered) if layered.known_to_sentence_transformers else None
        group = f"{layered.inner.loss} under {layered.modifier}"
        yield group, line(layered.label, embtune_layers(layered), theirs, reference_layers(layered))
    denoising = DenoisingCase()
    outcomes = (denoising.embtune(), denoising.sentence_transformers(), denoising.reference())
    yield denoising.loss, line(denoising.label, *outcomes)


def group_of(case: ParityCase) -> str:
    """A loss alone, or under Matryoshka."""
    return case.loss + (" under MatryoshkaLoss" if case.matryoshka else "")


def line(label: str, found: Outcome, theirs: Outcome | None, reference: Outcome) -> Line:
    """All differences of one case."""
    to_theirs = (None, None) if theirs is None else differences(found, theirs)
    return Line(label, (*to_theirs, *differences(found, reference)))


def worst_by_group(cases: Iterable[tuple[str, Line]]) -> list[Line]:
    """The largest differences of each loss, alone and under each modifier."""
    groups: dict[str, list[Line]] = {}
    for group, each in cases:
        groups.setdefault(group, []).append(each)
    return [
        Line(f"{name} ({len(lines)} cases)", _largest([each.numbers for each in lines]))
        for name, lines in groups.items()
    ]


def deviations() -> Iterator[str]:
    """Where a loss differs on purpose, as its docstring says, a line each."""
    for spec in all_specs():
        if spec.resolves_to is None:
            module, _, name = spec.implementation.partition(":")
            said = DIFFERS.search(inspect.getdoc(getattr(import_module(module), name)) or "")
            if said:
                yield f"{spec.name}: {' '.join(said[1].split())}"


def _largest(rows: list[Numbers]) -> Numbers:
    known = [[number for number in column if number is not None] for column in zip(*rows, strict=True)]
    return (max(known[0], default=None), max(known[1], default=None), max(known[2]), max(known[3]))


def main() -> int:
    """Measure, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worst", action="store_true", help="one line a loss: its largest differences")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # Sentence Transformers advises on parameters that are meant as they are
    disable_progress_bar()  # type: ignore[no-untyped-call]
    cases = list(measured())
    lines = worst_by_group(cases) if arguments.worst else [each for _, each in cases]
    print("    " + "".join(f"{name:>18}" for name in COLUMNS) + "  case")
    print("\n".join(str(each) for each in lines))
    failed = sum(not each.within for _, each in cases)
    print(f"{len(cases)} cases, {failed} beyond {VALUE_TOLERANCE:g} (values) or {GRADIENT_TOLERANCE:g} (gradients)")
    print("\nDifferent on purpose:")
    print("\n".join(f"  {each}" for each in deviations()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
