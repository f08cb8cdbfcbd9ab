"""Datasets in which single cells cannot be used, or all of a column says nothing."""

from __future__ import annotations

from wrong_data import Wrong, named, pair, spoiled, table, texts

MNRL, TRIPLETS, COSENT = "MultipleNegativesRankingLoss", "TripletLoss", "CoSENTLoss"
SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
LISTS = [["x", "y"]] * 8
VECTORS = [[0.1, 0.2]] * 8

# tried with Sentence Transformers 6.2 too
TRIED = (
    Wrong("a null text", MNRL, spoiled(table(), 3, b=None), "bad-rows | b | 4 | on_bad_row: skip"),
    Wrong("an empty text", MNRL, spoiled(table(), 3, b=""), "bad-rows | b | 4 | on_bad_row: skip"),
    Wrong(
        "scores from 0 to 5", "CosineSimilarityLoss", pair(score=[0, 5, 2.5, 4] * 2), "bad-rows | score | 2 | divide"
    ),
    Wrong(
        "ragged lists of margins",
        "MarginMSELoss",
        named(negative_1=texts("n"), negative_2=texts("m"), label=[[1.0, 2.0]] * 7 + [[1.0]]),
        "bad-rows | label | 8 | on_bad_row: skip",
    ),
)

TEXT_CELLS = (
    Wrong("a text of spaces", MNRL, spoiled(named(), 2, anchor=" \t"), "bad-rows | anchor | 3 | on_bad_row: skip"),
    Wrong("a number among texts", MNRL, spoiled(named(), 2, positive=42), "bad-rows | positive | 3 | in quotes"),
    Wrong("a list among texts", MNRL, spoiled(named(), 2, positive=["x", "y"]), "bad-rows | positive | 3 | in quotes"),
    Wrong(
        "an object among texts",
        MNRL,
        spoiled(named(), 2, positive={"text": "x"}),
        "bad-rows | positive | 3 | in quotes",
    ),
    Wrong(
        "half of an emoji", MNRL, spoiled(named(), 2, positive="x \ud83d"), "bad-rows | positive | 3 | half a character"
    ),
    Wrong("a row without a column", MNRL, [*named(), {"anchor": "x"}], "bad-rows | positive | 9 | on_bad_row: skip"),
    Wrong(
        "an empty list of negatives",
        MNRL,
        spoiled(named(negatives=LISTS), 2, negatives=[]),
        "bad-rows | negatives | 3 | on_bad_row: skip",
    ),
    Wrong(
        "null in a list of negatives",
        MNRL,
        spoiled(named(negatives=LISTS), 2, negatives=["x", None]),
        "bad-rows | negatives[1] | 3 | on_bad_row: skip",
    ),
    Wrong(
        "a number in a list of negatives",
        MNRL,
        spoiled(named(negatives=LISTS), 2, negatives=["x", 3]),
        "bad-rows | negatives[1] | 3 | in quotes",
    ),
    Wrong(
        "a text for a list of negatives",
        MNRL,
        spoiled(named(negatives=LISTS), 2, negatives="x"),
        "bad-rows | negatives | 3 | on_bad_row: skip",
    ),
    Wrong(
        "a negative that is its row's positive, in all rows",
        TRIPLETS,
        named(negative=texts("answers")),
        "nothing-to-learn | negative | 1 | negative",
    ),
    Wrong(
        "one positive for all anchors",
        MNRL,
        named(positive=["the same"] * 8),
        "nothing-to-learn | positive | 1 | positive",
    ),
    Wrong(
        "one anchor for all positives", MNRL, named(anchor=["the same"] * 8), "nothing-to-learn | anchor | 1 | anchor"
    ),
    Wrong(
        "one text in all rows",
        "ContrastiveTensionLoss",
        table(a=["the same"] * 8, b=[]),
        "nothing-to-learn | a | 1 | text",
    ),
    Wrong("one row", MNRL, named()[:1], "too-few-rows | anchor | 1 | rows"),
)

LABEL_CELLS = (
    Wrong(
        "a null label",
        "SoftmaxLoss",
        spoiled(pair(label=list("abcabcab")), 3, label=None),
        "bad-rows | label | 4 | on_bad_row: skip",
    ),
    Wrong(
        "a score of NaN",
        COSENT,
        spoiled(pair(score=SHARES), 3, score=float("nan")),
        "bad-rows | score | 4 | on_bad_row: skip",
    ),
    Wrong(
        "an infinite score",
        COSENT,
        spoiled(pair(score=SHARES), 3, score=float("inf")),
        "bad-rows | score | 4 | on_bad_row: skip",
    ),
    Wrong("a score below 0", COSENT, spoiled(pair(score=SHARES), 3, score=-0.5), "bad-rows | score | 4 | shift"),
    Wrong(
        "a score of 101 per cent", COSENT, spoiled(pair(score=SHARES), 3, score=1.01), "bad-rows | score | 4 | divide"
    ),
    Wrong(
        "a word among scores",
        COSENT,
        spoiled(pair(score=SHARES), 3, score="high"),
        "bad-rows | score | 4 | on_bad_row: skip",
    ),
    Wrong("one score in all rows", COSENT, pair(score=[0.5] * 8), "one-score | score | 1 | score"),
    Wrong(
        "a 2 among 0 and 1",
        "ContrastiveLoss",
        spoiled(pair(label=[0, 1] * 600, sentence1=texts("q", 1200), sentence2=texts("a", 1200)), 1100, label=2),
        "bad-rows | label | 1101 | classes",
    ),
    Wrong(
        "one class in all rows",
        "BatchHardTripletLoss",
        table(a=[], b=[], text=texts("t"), label=["x"] * 8),
        "one-class | label | 1 | label: ...",
    ),
    Wrong("one class of pairs", "SoftmaxLoss", pair(label=["x"] * 8), "one-class | label | 1 | label: ..."),
    Wrong(
        "no class twice",
        "BatchHardTripletLoss",
        table(a=[], b=[], text=texts("t"), label=list("abcdefgh")),
        "no-class-twice | label | 1 | label: ...",
    ),
    Wrong(
        "a fraction for a class",
        "SoftmaxLoss",
        spoiled(pair(label=[0, 1] * 600, sentence1=texts("q", 1200), sentence2=texts("a", 1200)), 1100, label=0.5),
        "bad-rows | label | 1101 | on_bad_row: skip",
    ),
    Wrong(
        "a list for a class",
        "SoftmaxLoss",
        spoiled(pair(label=list("abababab")), 3, label=["a"]),
        "bad-rows | label | 4 | on_bad_row: skip",
    ),
    Wrong("pairs that all have the label 1", "ContrastiveLoss", pair(label=[1] * 8), "one-label | label | 1 | label"),
    Wrong(
        "vectors of two widths",
        "MSELoss",
        spoiled(table(b=[], embedding=VECTORS), 3, embedding=[0.1]),
        "bad-rows | embedding | 4 | on_bad_row: skip",
    ),
    Wrong(
        "null in a vector",
        "MSELoss",
        spoiled(table(b=[], embedding=VECTORS), 3, embedding=[0.1, None]),
        "bad-rows | embedding | 4 | on_bad_row: skip",
    ),
    Wrong(
        "two scores for three passages",
        "DistillKLDivLoss",
        named(negative_1=texts("n"), negative_2=texts("m"), scores=[[3, 2, 1]] * 7 + [[2, 1]]),
        "bad-rows | scores | 8 | on_bad_row: skip",
    ),
    Wrong(
        "a row whose passages are all ruled out",
        "DistillKLDivLoss",
        named(negative=texts("n"), scores=[[2, 1]] * 7 + [[float("-inf")] * 2]),
        "bad-rows | scores | 8 | on_bad_row: skip",
    ),
    Wrong(
        "a class in the evaluation set that no training row has",
        "SoftmaxLoss",
        pair(label=list("abcabcab")),
        "bad-rows | label | 2 | on_bad_row: skip",
        eval_rows=pair(label=list("axbcabca")),
    ),
)
