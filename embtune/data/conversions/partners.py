"""Which texts are alike to a text and which are not, and triplets of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from embtune.data.conversions.draws import Draws


class Partners:
    """Judgements of pairs: for each anchor, the texts that are alike and those that are not. All are ids of texts."""

    def __init__(self, texts: Sequence[str], draws: Draws) -> None:
        self._texts = texts
        self._draws = draws
        self._alike: dict[int, set[int]] = defaultdict(set)
        self._unlike: dict[int, set[int]] = defaultdict(set)
        self._ordered: dict[int, tuple[dict[int, int], list[int]]] = {}

    def add(self, anchor: int, other: int, alike: bool) -> None:
        """Keep a judgement. All are added before any is asked for."""
        (self._alike if alike else self._unlike)[anchor].add(other)

    def negatives(self, anchor: int, positive: int, count: int) -> list[int]:
        """At most `count` texts judged unlike the anchor, and neither the anchor itself nor judged alike anywhere.

        The anchor's positives take turns, so that all its negatives are used.
        """
        places, unlike = self._ordered.get(anchor) or self._ordered.setdefault(anchor, self._order(anchor))
        start = places[positive]
        return [unlike[(start + each) % len(unlike)] for each in range(min(count, len(unlike)))]

    def _order(self, anchor: int) -> tuple[dict[int, int], list[int]]:
        """The place of each positive, and the negatives, both in random order."""
        alike = self._alike[anchor]
        ordered = self._draws.shuffled(alike, self._texts, "alike", self._texts[anchor])
        unlike = self._unlike.get(anchor, set()) - alike - {anchor}
        shuffled = self._draws.shuffled(unlike, self._texts, "unlike", self._texts[anchor])
        return {text: place for place, text in enumerate(ordered)}, shuffled
