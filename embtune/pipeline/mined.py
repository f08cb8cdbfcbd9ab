"""What mining found: the negatives of each anchor, the rows they make, and what to tell of them.

Legend: A anchors, N negatives of each, P pairs of an anchor and a positive, R rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from embtune.data.distinct_texts import DistinctTexts
from embtune.data.hard_negatives import Candidates, NegativeRules, choose_negatives
from embtune.pipeline.mine_data import Relations
from embtune.pipeline.mine_rows import MinedRow


@dataclass(frozen=True)
class MineReport:
    """Counts, over the rows of the data.

    candidates: documents that could be negatives. negatives: chosen, once for each row that has them.
    rows_with_fewer, rows_without: rows with fewer negatives than wanted, and those of them with none.
    considered: candidates of the ranks that serve, over all anchors. removed: of these, by each rule.
    """

    rules: NegativeRules
    rows: int
    anchors: int
    candidates: int
    negatives: int
    rows_with_fewer: int
    rows_without: int
    considered: int
    removed: Mapping[str, int]

    def record(self) -> dict[str, object]:
        """As a JSON object."""
        counts = asdict(self)
        del counts["rules"]
        return counts

    def summary(self) -> str:
        """One sentence on what was mined."""
        return (
            f"{self.negatives:,} negatives for {self.rows - self.rows_without:,} of {self.rows:,} rows "
            f"({self.anchors:,} anchors, {self.candidates:,} candidates)"
        )

    def shortage(self) -> str | None:
        """One sentence on rows that have too few, and what would give them more; None where there are none."""
        if not self.rows_with_fewer:
            return None
        none = f", {self.rows_without:,} of them none: these are left out" if self.rows_without else ""
        fewer = f"{self.rows_with_fewer:,} rows have fewer than {self.rules.negatives} negatives{none}"
        return f"{fewer}. {self.advice()}"

    def advice(self) -> str:
        """What to loosen, by what removed the most."""
        by_count = sorted(self.removed.items(), key=lambda item: -item[1])
        ways = [
            f"--{rule} (it removed {count:,} of {self.considered:,} candidates)" for rule, count in by_count if count
        ]
        if self.rules.last_rank < self.candidates:
            ways.append(f"--ranks {self.rules.first_rank}:{self.rules.last_rank}")
        elif self.rules.first_rank > 1:
            ways.append(f"--ranks {self.rules.first_rank}:")
        return (
            f"Loosen {' or '.join(ways)}." if ways else "Name a larger corpus: these are all the candidates there are."
        )


class Mined:
    """The negatives of each anchor, as they are found.

    Args:
        relations: of anchors and documents.
        negatives: wanted for each anchor.
    """

    def __init__(self, relations: Relations, negatives: int) -> None:
        self._relations = relations
        self._positions_AN = np.full((len(relations.anchors), negatives), -1)
        self._scores_AN = np.full(self._positions_AN.shape, -np.inf, dtype=np.float32)
        self._positive_P = np.empty(len(relations.positives_P2), dtype=np.float32)
        self._removed: Counter[str] = Counter()
        self._considered = self._pairs = 0

    def add(self, candidates: Candidates, rules: NegativeRules) -> None:
        """Choose among the candidates of the next anchors."""
        chosen = choose_negatives(candidates, rules, self._removed)
        place = np.s_[candidates.first : candidates.first + len(chosen.scores_QN), : chosen.scores_QN.shape[1]]
        self._positions_AN[place], self._scores_AN[place] = chosen.positions_QN, chosen.scores_QN
        self._considered += int(np.isfinite(candidates.scores_QK).sum())
        pairs = len(candidates.positive_P)
        self._positive_P[self._pairs : self._pairs + pairs] = candidates.positive_P
        self._pairs += pairs

    def report(self, rules: NegativeRules) -> MineReport:
        """The counts, when all anchors were added."""
        found_R = (self._positions_AN >= 0).sum(axis=1)[self._relations.anchor_of_row]
        return MineReport(
            rules=rules,
            rows=len(found_R),
            anchors=len(self._positions_AN),
            candidates=self._relations.candidates,
            negatives=int(found_R.sum()),
            rows_with_fewer=int((found_R < rules.negatives).sum()),
            rows_without=int((found_R == 0).sum()),
            considered=self._considered,
            removed=dict(self._removed),
        )

    def rows(self, rows: Sequence[tuple[str, str]], documents: DistinctTexts) -> Iterator[MinedRow]:
        """Each row of the data, in its order, with the negatives of its anchor."""
        relations, seen = self._relations, np.zeros(len(self._positions_AN), dtype=bool)
        for (anchor, positive), number, pair in zip(
            rows, relations.anchor_of_row.tolist(), relations.pair_of_row.tolist(), strict=True
        ):
            there_N = self._positions_AN[number] >= 0
            yield MinedRow(
                anchor,
                positive,
                [documents[place] for place in self._positions_AN[number][there_N].tolist()],
                float(self._positive_P[pair]),
                self._scores_AN[number][there_N].tolist(),
                is_first=not seen[number],
            )
            seen[number] = True
