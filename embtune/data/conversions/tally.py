"""What a conversion counts, in words for people and as values for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


def counted(count: int, noun: str) -> str:
    """`1 row`, `2,508 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@dataclass
class Tally:
    """Grows while rows are converted.

    rows: those read and usable. made: those that came out. skipped: bad rows left out, where that was asked for.
    left_out: (noun, what it was) -> how many: ("row", "had no contradiction").
    notes: what else a person should know, each once.
    """

    rows: int = 0
    made: int = 0
    skipped: int = 0
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: dict[str, None] = field(default_factory=dict)

    def leave_out(self, noun: str, what: str, count: int = 1) -> None:
        """Count what nothing is made of."""
        if count:
            self.left_out[noun, what] += count

    def note(self, sentence: str) -> None:
        """Say something once, however often it is met."""
        self.notes[sentence] = None

    def reasons(self) -> list[str]:
        """`2,508 rows had no contradiction`, one for each reason."""
        bad = [f"{counted(self.skipped, 'bad row')} left out"] if self.skipped else []
        return [*(f"{counted(count, noun)} {what}" for (noun, what), count in self.left_out.items()), *bad]

    def sentence(self, made_of: str) -> str:
        """`12,480 triplets from 14,988 rows; 2,508 rows had no contradiction`.

        Args:
            made_of: what is made, in the plural.
        """
        return "; ".join([f"{self.made:,} {made_of} from {counted(self.rows, 'row')}", *self.reasons()])

    def record(self) -> dict[str, object]:
        """The counts as JSON values."""
        left_out = [{"count": count, "what": f"{noun}s {what}"} for (noun, what), count in self.left_out.items()]
        counts = {"rows": self.rows, "made": self.made, "bad_rows": self.skipped}
        return {**counts, "left_out": left_out, "notes": list(self.notes)}
