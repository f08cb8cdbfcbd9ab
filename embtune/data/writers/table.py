"""What csv, tsv and parquet have in common: every row has the columns of the first."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.data.writers.sink import Values
from embtune.errors import Problem, UsageError


class Header:
    """The columns of a table, set by its first row. Later rows may lack some, and have no others."""

    def __init__(self) -> None:
        self.columns: Sequence[str] = ()

    def check(self, row: Values) -> bool:
        """Whether this row was the first.

        Raises:
            UsageError: the row has a column that the first one has not.
        """
        if not self.columns:
            self.columns = tuple(row)
            return True
        more = [name for name in row if name not in self.columns]
        if more:
            message = f"a row has the column {more[0]!r}, which the first row has not: such rows make no table"
            raise UsageError(Problem("uneven-rows", message, None, "choose a name that ends in .jsonl"))
        return False
