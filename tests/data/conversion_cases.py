"""Small data of every format that conversions read, drawn at random from few texts, so that texts meet again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from embtune.catalog.conversions import Target
from embtune.data.conversions.tally import Tally
from embtune.data.converting import Wish, converted_retrieval, converted_rows, plan_retrieval, plan_rows
from embtune.data.retrieval import RetrievalSet
from embtune.data.row import Row
from embtune.errors import Location

Values = dict[str, Any]
TEXTS = st.sampled_from([f"{first} {second} text" for first in "abc" for second in "xyz"])


def tables(**columns: st.SearchStrategy[object]) -> st.SearchStrategy[list[Values]]:
    """Up to a dozen rows with these columns."""
    return st.lists(st.fixed_dictionaries(columns), min_size=2, max_size=12)


CLASS_TEXTS = tables(text=TEXTS, label=st.sampled_from(["red", "green", "blue"]))
NLI = tables(sentence_A=TEXTS, sentence_B=TEXTS, label=st.sampled_from(["entailment", "neutral", "contradiction"]))
SCORED = tables(sentence_A=TEXTS, sentence_B=TEXTS, score=st.sampled_from([0.0, 0.25, 0.7, 0.75, 1.0]))
BINARY = tables(sentence_A=TEXTS, sentence_B=TEXTS, label=st.sampled_from([0, 1]))
TRIPLETS = tables(anchor=TEXTS, positive=TEXTS, negative=TEXTS)
LISTS = tables(anchor=TEXTS, positive=TEXTS, negatives=st.lists(TEXTS, min_size=2, max_size=4))
PLAIN = tables(text=TEXTS)


@st.composite
def retrieval_sets(draw: st.DrawFn) -> RetrievalSet:
    """A few queries, more documents, and at least one relevant document for each query. Texts may be equal."""
    queries = {f"q{i}": text for i, text in enumerate(draw(st.lists(TEXTS, min_size=1, max_size=4)))}
    corpus = {f"d{i}": text for i, text in enumerate(draw(st.lists(TEXTS, min_size=2, max_size=7)))}
    relevant = st.lists(st.sampled_from(list(corpus)), min_size=1, max_size=3)
    qrels = {query: dict.fromkeys(draw(relevant), 1) for query in queries}
    return RetrievalSet("made", queries, corpus, qrels)


def converted(
    rows: Sequence[Values], to: str, seed: int = 42, columns: dict[str, str] | None = None, **options: float
) -> tuple[list[Values], Tally]:
    """What `to` makes of rows, with the counts. Every column of the rows has a role, and its name."""
    found = [Row(dict(values), Location("rows.jsonl", line)) for line, values in enumerate(rows, start=1)]
    roles = columns or {("label" if name == "score" else name): name for name in rows[0]}
    plan, tally = plan_rows(Wish(Target(to), options, seed), found, roles), Tally()
    return [row.values for row in converted_rows(iter(found), plan, "rows", tally)], tally


def converted_folder(data: RetrievalSet, to: str, seed: int = 42, **options: float) -> list[Values]:
    """What `to` makes of a retrieval set."""
    plan, tally = plan_retrieval(Wish(Target(to), options, seed)), Tally()
    return [row.values for row in converted_retrieval(data, plan, tally)]


def texts_of(rows: Sequence[Values]) -> set[str]:
    """Every text of rows, lists looked into; labels of words are none."""
    return {text for row in rows for name, value in row.items() if name != "label" for text in _texts(value)}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from value
