"""Rows that cannot be used: shown ten at a time, counted in full, and skipped only where that was asked for."""

from __future__ import annotations

from embtune.config.words import OnBadRow
from embtune.errors import DataError, Problem

SHOWN = 10
SKIP_LIMIT = 0.1  # share of rows that `skip` may leave out; one row is always allowed


class BadValueError(Exception):
    """A value that does not fit its role: `reason` continues a sentence that begins with the role.

    `role` is empty until it is known.
    """

    def __init__(self, code: str, reason: str, hint: str | None = None, role: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.hint = hint
        self.role = role


class BadRows:
    """The bad rows of one dataset, as they are met."""

    def __init__(self, name: str, on_bad_row: OnBadRow, skip_limit: float = SKIP_LIMIT) -> None:
        self.count = 0
        self._name = name
        self._on_bad_row = on_bad_row
        self._skip_limit = skip_limit
        self._first: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Count one more bad row."""
        self.count += 1
        if len(self._first) < SHOWN:
            self._first.append(problem)

    def check(self, good: int, remark: str | None = None) -> None:
        """Decide, after all rows were seen.

        Args:
            good: how many rows could be used.
            remark: advice that takes all bad rows together, in place of the usual one.

        Raises:
            DataError: there are bad rows and none may be skipped, or more than may be, or no good one is left. It holds
                the first ten problems and one that counts all.
        """
        if self.count == 0:
            return
        total = good + self.count
        # advice for all rows together comes alone: leaving rows out would then leave out the wrong ones
        if self._on_bad_row is OnBadRow.ERROR:
            self._stop("bad-rows", total, remark or "correct them, or set data.on_bad_row: skip to leave such rows out")
        if good == 0 or self.count > max(1, int(self._skip_limit * total)):
            hint = f"correct them: on_bad_row: skip leaves out at most {self._skip_limit:.0%} of the rows"
            self._stop("too-many-bad-rows", total, remark or hint)

    def _stop(self, code: str, total: int, hint: str) -> None:
        more = f"; {self.count - len(self._first)} more are not shown" if self.count > len(self._first) else ""
        message = f"{self.count} of {total} rows of {self._name!r} cannot be used{more}"
        raise DataError([*self._first, Problem(code, message, None, hint)])
