"""How long the texts of a role are, in tokens."""

from __future__ import annotations

from dataclasses import dataclass

from embtune.data.found import Found

PERCENTILES = (50, 90, 99, 100)


@dataclass(frozen=True)
class RoleLengths:
    """The texts of a role: token counts at `PERCENTILES`, and those of the sampled rows that are cut."""

    role: str
    percentiles: tuple[int, ...]
    limit: int | None
    cut: Found
    rows: int

    @property
    def share(self) -> float:
        """Of the sampled rows whose text is cut."""
        return self.cut.count / max(1, self.rows)
