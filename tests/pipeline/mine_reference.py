"""Hard negatives by loops and float64: slow, obvious, and nothing of embtune's search in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from embtune.data.hard_negatives import NegativeRules

WORDS = ("rivers", "trains", "bread", "winter", "violins", "chess", "bees", "glass", "maps", "tides")
Rows = Sequence[tuple[str, str]]


def made_rows(count: int = 40) -> list[tuple[str, str]]:
    """Anchors and positives; every fourth anchor is asked twice, the second time shouted."""
    random = np.random.default_rng(0)
    rows = []
    for row in range(count):
        asked = row - (row % 5 == 1)
        anchor = f"what of {WORDS[asked % 10]} {asked}"
        positive = f"{WORDS[row % 10]} " + " ".join(random.choice(WORDS, size=int(random.integers(2, 9)))) + f" {row}"
        rows.append((anchor.upper() if row % 5 == 1 else anchor, positive))
    return rows


def made_corpus(rows: Rows, count: int = 60) -> list[str]:
    """Some positives (one in other letters), one anchor, one text twice, and texts of their own."""
    random = np.random.default_rng(1)
    others = [
        " ".join(random.choice(WORDS, size=int(random.integers(2, 9)))) + f" {i}" for i in range(100, 100 + count)
    ]
    return [rows[0][1].upper(), f"  {rows[7][1]} ", rows[3][0], *others, others[0], *(text for _, text in rows[10:20])]


def write_lines(path: Path, lines: Sequence[Mapping[str, object]]) -> Path:
    """JSON Lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_rows(path: Path, rows: Rows) -> Path:
    """Rows to mine for."""
    return write_lines(path, [{"anchor": anchor, "positive": positive} for anchor, positive in rows])


def said(text: str) -> str:
    """What two texts share that count as one."""
    return " ".join(text.split()).lower()


def slow_survivors(
    rows: Rows,
    corpus: Sequence[str],
    vectors: Mapping[str, np.ndarray],
    rules: NegativeRules,
    answers: Rows = (),
) -> dict[str, list[tuple[str, float]]]:
    """Anchor, as it is said -> every candidate that the rules leave, best first, with its score.

    Args:
        vectors: text, as it was first spelled, to its embedding.
        answers: anchors and texts that answer them, beside the rows.
    """
    candidates = list({said(text): text for text in reversed(corpus)}.values())[::-1]
    spelled = {said(text): text for text in reversed([*corpus, *(text for _, text in rows)])}
    found = {}
    for anchor in {said(anchor): anchor for anchor, _ in reversed(rows)}.values():
        known = {said(text) for other, text in [*rows, *answers] if said(other) == said(anchor)} | {said(anchor)}
        positives = [spelled[said(text)] for other, text in rows if said(other) == said(anchor)]
        lowest = min(cosine(vectors[anchor], vectors[text]) for text in positives)
        scored = [(cosine(vectors[anchor], vectors[text]), -place) for place, text in enumerate(candidates)]
        ranked = [(candidates[-place], score) for score, place in sorted(scored, reverse=True)]
        ranked = [(text, score) for text, score in ranked if said(text) not in known]
        ranked = ranked[rules.first_rank - 1 : rules.last_rank]
        found[said(anchor)] = [(text, score) for text, score in ranked if serves(score, lowest, rules)]
    return found


def serves(score: float, positive: float, rules: NegativeRules) -> bool:
    """Whether a score is that of a negative."""
    if rules.margin is not None and score > positive - rules.margin:
        return False
    if rules.relative_margin is not None and score > positive - rules.relative_margin * abs(positive):
        return False
    return rules.floor <= score <= rules.ceiling


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    """Of two vectors, in float64."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    return float(left @ right / np.sqrt(left @ left) / np.sqrt(right @ right))
