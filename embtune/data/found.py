"""Something met in many rows: how often, and where first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from embtune.errors import Location

PLACES = 5  # shown of anything that many rows have


@dataclass(frozen=True)
class Found:
    """How many rows have it, and the places of the first `PLACES` of them, in order."""

    count: int
    places: tuple[Location, ...]

    def __str__(self) -> str:
        """`a.jsonl:3, 9, b.jsonl:1 and 12 more`."""
        shown = listed_places(self.places)
        hidden = self.count - len(self.places)
        return f"{shown} and {hidden:,} more" if hidden > 0 else shown


def listed_places(places: Sequence[Location], remarks: Sequence[str] = ()) -> str:
    """`a.jsonl:3, 9, b.jsonl:1`: a path is written where it changes. remarks: one behind each place."""
    words, path = list[str](), None
    for place, remark in zip(places, remarks or [""] * len(places), strict=True):
        words.append((str(place) if place.path != path or place.line is None else str(place.line)) + remark)
        path = place.path
    return ", ".join(words)


def rows_word(count: int) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{count:,} row{'' if count == 1 else 's'}"


class Tally:
    """Counts rows, and remembers the first places."""

    def __init__(self) -> None:
        self.count = 0
        self.places: list[Location] = []

    def add(self, place: Location) -> None:
        """One more row."""
        self.count += 1
        if len(self.places) < PLACES:
            self.places.append(place)

    def found(self) -> Found:
        """What was counted."""
        return Found(self.count, tuple(self.places))


def found_at(count: int, places: Iterable[Location]) -> Found:
    """So many rows, of which `places` are in order."""
    return Found(count, tuple(place for place, _ in zip(places, range(PLACES), strict=False)))
