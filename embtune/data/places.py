"""Where rows stand in their files, kept small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embtune.errors import Location


@dataclass(frozen=True, eq=False)
class Places:
    """The places of N rows, eight bytes each: `file` (N,) int32 indexes `paths`, `lines` (N,) int32 counts from 1."""

    paths: tuple[str, ...]
    file: NDArray[np.int32]
    lines: NDArray[np.int32]

    def location(self, row: int) -> Location:
        """The place of one row."""
        return Location(self.paths[self.file[row]], int(self.lines[row]))

    def select(self, rows: NDArray[np.int64]) -> Places:
        """The places of some rows."""
        return Places(self.paths, self.file[rows], self.lines[rows])
