"""What the functions of conversions work with: settings, draws, counts, rows in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from embtune.catalog.roles import LABEL_ROLE
from embtune.catalog.spec import Format, LabelKind
from embtune.data.conversions.draws import Draws
from embtune.data.conversions.tally import Tally
from embtune.data.examples import Examples, load_examples
from embtune.data.layout import Layout
from embtune.data.row import Row, Rows, stop


@dataclass
class Step:
    """What one conversion is given beside its rows.

    options: key -> value, every key of the conversion. source: the format of the rows.
    """

    source: Format
    options: Mapping[str, int | float]
    seed: int
    tally: Tally = field(default_factory=Tally)

    @cached_property
    def draws(self) -> Draws:
        """Random numbers of the seed."""
        return Draws(self.seed)

    @property
    def negatives(self) -> int:
        """How many negatives are wanted, for each positive."""
        return int(self.options["negatives"])

    def held(self, rows: Rows) -> Examples:
        """All rows in memory, each distinct text once.

        Raises:
            DataError: there is none, for the step before gave nothing.
        """
        first = next(rows, None)
        if first is None:
            stop("cannot-convert", "the step before makes nothing", None, "; ".join(self.tally.reasons()) or None)
        names = [name for name in first.values if name != LABEL_ROLE]
        has_label = self.source.label is not LabelKind.NONE
        columns = {role: role for role in names}
        layout = Layout(columns, LABEL_ROLE if has_label else None, self.source.label, ())
        return load_examples(_before(first, rows), layout, "the data")


class Seen:
    """Which combinations of texts came before, a hash of each."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._draws = Draws(0)

    def again(self, *texts: str) -> bool:
        """Whether these texts, in this order, came before; from now on they have."""
        number = self._draws.number(*texts)
        is_new = number not in self._seen
        self._seen.add(number)
        return not is_new


def _before(first: Row, rows: Rows) -> Rows:
    yield first
    yield from rows
