"""Datasets that only look wrong; most of them Sentence Transformers 6.2 failed on or misread."""

from __future__ import annotations

from dataclasses import dataclass

from wrong_data import named, pair, table, texts

SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


@dataclass(frozen=True)
class Right:
    """A dataset that is to be read as it was meant, without a declaration: role (or `label`) -> column.

    tried: with Sentence Transformers too.
    """

    what: str
    loss: str
    rows: list[dict[str, object]]
    read: dict[str, str]
    tried: bool = True


PAIR = {"anchor": "a", "positive": "b"}
SENTENCES = {"sentence_A": "sentence1", "sentence_B": "sentence2"}
WITH_NEGATIVE = table(a=[], b=[], question=texts("q"), answer=texts("a"), answer_neg=texts("n"))
TRIPLET = {"anchor": "question", "positive": "answer", "negative": "answer_neg"}

RIGHT = (
    Right("numbers of documents beside pairs", "MultipleNegativesRankingLoss", table(doc_id=list(range(8))), PAIR),
    Right(
        "a few sources beside pairs",
        "MultipleNegativesRankingLoss",
        named(source=["web", "book"] * 4),
        {"anchor": "anchor", "positive": "positive"},
    ),
    Right(
        "a list of negatives beside pairs",
        "MultipleNegativesRankingLoss",
        named(negative=[["x", "y"]] * 8),
        {"anchor": "anchor", "positive": "positive", "negatives": "negative"},
    ),
    Right(
        "scores in a column called similarity",
        "CoSENTLoss",
        pair(similarity=SHARES),
        SENTENCES | {"label": "similarity"},
    ),
    Right(
        "scores spelled as texts",
        "CosineSimilarityLoss",
        pair(score=list(map(str, SHARES))),
        SENTENCES | {"label": "score"},
    ),
    Right("booleans for 1 and 0", "ContrastiveLoss", pair(label=[True, False] * 4), SENTENCES | {"label": "label"}),
    Right("columns answer and answer_neg", "MultipleNegativesRankingLoss", WITH_NEGATIVE, TRIPLET),
    Right("columns answer and answer_neg, cached", "CachedMultipleNegativesRankingLoss", WITH_NEGATIVE, TRIPLET),
    Right(
        "a label in a column called class",
        "BatchHardTripletLoss",
        [{"text": row["a"], "class": "xy"[number % 2]} for number, row in enumerate(table())],
        {"text": "text", "label": "class"},
    ),
    Right(
        "whole numbers for margins",
        "MarginMSELoss",
        named(negative=texts("n"), margin=list(range(8))),
        {"anchor": "anchor", "positive": "positive", "negative": "negative", "label": "margin"},
    ),
    Right(
        "-1, 0 and 1 for three opinions",
        "SoftmaxLoss",
        pair(label=[-1, 0, 1, 1, 0, -1, 0, 1]),
        SENTENCES | {"label": "label"},
        tried=False,
    ),
    Right(
        "one text twice in each row",
        "MultipleNegativesRankingLoss",
        named(positive=texts("rivers")),
        {"anchor": "anchor", "positive": "positive"},
        tried=False,
    ),
)
