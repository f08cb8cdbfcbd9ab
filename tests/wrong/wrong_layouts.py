"""Datasets whose columns or kind of label are not what the loss needs."""

from __future__ import annotations

from wrong_data import Wrong, named, pair, table, texts

MNRL, TRIPLETS = "MultipleNegativesRankingLoss", "TripletLoss"
SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]

# tried with Sentence Transformers 6.2 too, which trained nine of these without a word
TRIED = (
    Wrong("a score beside pairs, ignored", MNRL, table(score=SHARES), "loss-does-not-fit | score | 1 | CoSENTLoss"),
    Wrong(
        "a column of sources, taken as negatives",
        MNRL,
        table(source=texts("web page")),
        "undecided-roles | source | 1 | columns: {anchor: a, positive: b",
    ),
    Wrong(
        "a column of weights, taken as label",
        MNRL,
        table(w=SHARES),
        "loss-does-not-fit | w | 1 | columns: {anchor: a, positive: b}",
    ),
    Wrong(
        "a list of two texts, fused into one",
        MNRL,
        table(b=[["x", "y"]] * 8),
        "loss-does-not-fit | b | 1 | a row for each",
    ),
    Wrong("one column only", MNRL, table(b=[]), "loss-does-not-fit | a | 1 | ContrastiveTensionLoss"),
    Wrong(
        "both a label and a score",
        "CoSENTLoss",
        table(label=[0, 1] * 4, score=SHARES),
        "several-labels | score | 1 | label: score",
    ),
    Wrong("labels of -1 and 1", "ContrastiveLoss", table(label=[-1, 1] * 4), "loss-does-not-fit | label | 1 | 0"),
    Wrong(
        "a class of -1, which is no class",
        "SoftmaxLoss",
        table(label=[0, 1, 2, 1, 0, 2, 1, -1]),
        "no-class | label | 8 | leave",
    ),
    Wrong(
        "four columns for a loss of three",
        TRIPLETS,
        table(c=texts("bees"), d=texts("glass")),
        "undecided-roles | d | 1 | columns: {",
    ),
    Wrong(
        "two texts for a loss of one",
        "BatchHardTripletLoss",
        table(label=list("xyxyxyxy")),
        "loss-does-not-fit | b | 1 | columns: {text: a, label: label}",
    ),
    Wrong(
        "damaged and original texts swapped",
        "DenoisingAutoEncoderLoss",
        table(
            a=[],
            b=[],
            damaged=[f"a long text of many words {i}" for i in range(8)],
            original=[f"text many {i}" for i in range(8)],
        ),
        "swapped-columns | damaged | 1 | columns: {damaged: original, original: damaged}",
    ),
    Wrong(
        "one column for a guided loss",
        {"name": "GISTEmbedLoss", "guide": "sentence-transformers/all-MiniLM-L6-v2"},
        table(b=[]),
        "loss-does-not-fit | a | 1 | ContrastiveTensionLoss",
    ),
)

ROLES = (
    Wrong(
        "three columns of texts without telling names",
        MNRL,
        table(c=texts("bees")),
        "undecided-roles | c | 1 | columns: {",
    ),
    Wrong("no text at all", MNRL, table(a=[1, 2] * 4, b=[0.5, 1] * 4), "no-texts | a | 1 | columns: {"),
    Wrong("only ids", MNRL, table(a=[], b=[], qid=texts("q"), doc_id=texts("d")), "no-texts | qid | 1 | columns: {"),
    Wrong(
        "columns declared the wrong way round",
        MNRL,
        table(),
        "unknown-role | a |  | anchor: a",
        columns={"a": "anchor", "b": "positive"},
    ),
    Wrong(
        "a misspelt column",
        MNRL,
        named(),
        "missing-column | positve |  | columns: {anchor: anchor, positive: positive}",
        columns={"anchor": "anchor", "positive": "positve"},
    ),
    Wrong(
        "a misspelt role",
        MNRL,
        named(),
        "unknown-role | anchr |  | anchor",
        columns={"anchr": "anchor", "positive": "positive"},
    ),
    Wrong(
        "a space at the end of a column's name",
        MNRL,
        b"anchor,positive \nq,a\nr,b\n",
        'missing-column | positive |  | positive: "positive "',
        file="rows.csv",
        columns={"anchor": "anchor", "positive": "positive"},
    ),
    Wrong(
        "one column for two roles",
        MNRL,
        named(),
        "duplicate-role | anchor |  | declare",
        columns={"anchor": "anchor", "query": "positive"},
    ),
    Wrong(
        "triplets for a loss of pairs with a score",
        "CosineSimilarityLoss",
        named(negative=texts("glass")),
        "loss-does-not-fit | negative | 1 | MultipleNegativesRankingLoss",
    ),
    Wrong(
        "pairs for a loss of triplets",
        TRIPLETS,
        named(),
        "loss-does-not-fit | positive | 1 | MultipleNegativesRankingLoss",
    ),
    Wrong(
        "pairs that all have the label 1",
        MNRL,
        pair(label=[1] * 8),
        "loss-does-not-fit | label | 1 | keep the pairs labelled 1",
    ),
    Wrong(
        "classes of pairs for a loss of pairs",
        MNRL,
        pair(label=["entailment", "neutral"] * 4),
        "loss-does-not-fit | label | 1 | 1 where entailed, 0 where contradicted",
    ),
    Wrong(
        "words for scores", "CoSENTLoss", pair(score=["high", "low"] * 4), "loss-does-not-fit | score | 1 | SoftmaxLoss"
    ),
    Wrong(
        "scores with a decimal comma",
        "CoSENTLoss",
        pair(score=["0,5", "0,7"] * 4),
        "loss-does-not-fit | score | 1 | 0.5",
    ),
    Wrong(
        "several negatives for a loss of one",
        TRIPLETS,
        named(negative_1=texts("bees"), negative_2=texts("tides")),
        "loss-does-not-fit | negative_1 | 1 | a row for each negative",
    ),
    Wrong(
        "margins without a negative",
        "MarginMSELoss",
        named(margin=SHARES),
        "loss-does-not-fit | margin | 1 | CoSENTLoss",
    ),
    Wrong("no teacher's vector", "MSELoss", table(b=[]), "loss-does-not-fit | a | 1 | teacher: MODEL"),
)
