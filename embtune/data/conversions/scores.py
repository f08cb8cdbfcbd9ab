"""Pairs with a score: from a threshold on they are alike."""

from __future__ import annotations

import numpy as np

from embtune.catalog.roles import LABEL_ROLE
from embtune.data.conversions.step import Step
from embtune.data.row import Row, Rows


def binary(rows: Rows, step: Step) -> Rows:
    """The same pairs with 1 where the score is `threshold` or more, else 0, read row by row."""
    threshold = np.float32(step.options["threshold"])  # as datasets in memory hold scores, so that 0.7 is 0.7
    for row in rows:
        score = row.values[LABEL_ROLE]
        assert isinstance(score, float), "scores are checked and cast"
        yield Row({**row.values, LABEL_ROLE: int(np.float32(score) >= threshold)}, row.location)
