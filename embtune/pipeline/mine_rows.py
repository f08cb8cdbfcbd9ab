"""Mined negatives as rows of the format that is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from embtune.catalog.choices import MinedFormat
from embtune.data.readers.formats import FileFormat, file_kind
from embtune.errors import UsageError


@dataclass(frozen=True)
class MinedRow:
    """A row of the data with its negatives, best first, and what each text scored with the anchor.

    is_first: whether no row before it has the same anchor, and so the same negatives.
    """

    anchor: str
    positive: str
    negatives: Sequence[str]
    positive_score: float
    scores: Sequence[float]
    is_first: bool


Values = Mapping[str, object]


def check_lists(out: str, wanted: MinedFormat, with_scores: bool) -> None:
    """Refuse a table without lists for rows that have some, before any work is done.

    Raises:
        UsageError: it is one.
    """
    kind = file_kind(out)
    has_lists = wanted is MinedFormat.N_TUPLES or (with_scores and wanted is MinedFormat.TRIPLETS)
    if has_lists and kind is not None and kind.format in (FileFormat.CSV, FileFormat.TSV):
        message = (
            f"{out}: rows of {wanted}{' with scores' if with_scores else ''} hold lists, and such a file holds none"
        )
        raise UsageError.of("no-lists", message, "Name OUT .jsonl, .jsonl.gz or .parquet.")


def formatted(row: MinedRow, wanted: MinedFormat, with_scores: bool) -> Iterator[Values]:
    """The rows that a mined row becomes, their columns named by their roles; none where it has no negative.

    With scores: `scores` of the positive and of each negative, as distillation losses take them; of labelled pairs a
    `score` in place of the label. A pair of an anchor and a negative is written once, however many rows the anchor has.
    """
    if not row.negatives:
        return
    pair = {"anchor": row.anchor, "positive": row.positive}
    if wanted is MinedFormat.N_TUPLES:
        yield {**pair, "negatives": list(row.negatives)} | _scores(row, row.scores, with_scores)
    elif wanted is MinedFormat.TRIPLETS:
        for negative, score in zip(row.negatives, row.scores, strict=True):
            yield {**pair, "negative": negative} | _scores(row, [score], with_scores)
    else:
        yield _labelled(row.anchor, row.positive, 1, row.positive_score, with_scores)
        for negative, score in zip(row.negatives, row.scores, strict=True) if row.is_first else ():
            yield _labelled(row.anchor, negative, 0, score, with_scores)


def _scores(row: MinedRow, scores: Sequence[float], wanted: bool) -> dict[str, object]:
    return {"scores": [row.positive_score, *scores]} if wanted else {}


def _labelled(anchor: str, text: str, label: int, score: float, with_score: bool) -> Values:
    return {"sentence_A": anchor, "sentence_B": text} | ({"score": score} if with_score else {"label": label})
