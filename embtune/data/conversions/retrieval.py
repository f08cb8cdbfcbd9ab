"""A retrieval folder: queries, documents, and which documents answer which query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from embtune.data.conversions.step import Step
from embtune.data.retrieval import RetrievalSet
from embtune.data.row import Row, Rows
from embtune.errors import Location


def pairs(data: RetrievalSet, step: Step) -> Rows:
    """Each query beside each of its documents; queries and documents of equal text are one."""
    answers = _Answers.of(data)
    judged = sum(map(len, data.qrels.values()))
    step.tally.leave_out("row", "repeated a pair", judged - sum(map(len, answers.documents.values())))
    for number, (query, document) in enumerate(answers.pairs(step), start=1):
        yield Row({"anchor": query, "positive": document}, Location(data.name, number))


def triplets(data: RetrievalSet, step: Step) -> Rows:
    """For each such pair, `negatives` rows with documents that do not answer the query."""
    for row, negatives in _with_negatives(data, step):
        for negative in negatives:
            yield Row({**row.values, "negative": negative}, row.location)


def n_tuples(data: RetrievalSet, step: Step) -> Rows:
    """For each such pair, a row with `negatives` documents that do not answer the query, null where there are fewer."""
    for row, negatives in _with_negatives(data, step):
        padded = [*negatives, *([None] * (step.negatives - len(negatives)))]
        columns = {f"negative_{number}": negative for number, negative in enumerate(padded, start=1)}
        yield Row({**row.values, **columns}, row.location)


def _with_negatives(data: RetrievalSet, step: Step) -> Iterator[tuple[Row, list[str]]]:
    answers = _Answers.of(data)
    texts = list(dict.fromkeys(data.corpus.values()))
    pool = [texts[each] for each in step.draws.shuffled(range(len(texts)), texts, "corpus")]
    for row in pairs(data, step):
        query, document = str(row.values["anchor"]), str(row.values["positive"])
        start = step.draws.number(query, document) % len(pool)
        excluded = answers.documents[query]
        others = (text for text in _around(pool, start) if text not in excluded and text != query)
        negatives = list(islice(others, step.negatives))
        if negatives:
            yield row, negatives
        else:
            step.tally.leave_out("pair", "had no document that does not answer the query")


def _around(pool: list[str], start: int) -> Iterator[str]:
    return (pool[(start + each) % len(pool)] for each in range(len(pool)))


@dataclass(frozen=True)
class _Answers:
    """Text of a query -> texts of its documents, in the order of the folder."""

    documents: dict[str, dict[str, None]]

    @classmethod
    def of(cls, data: RetrievalSet) -> _Answers:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for query, text in data.queries.items():
            found[text] |= dict.fromkeys(data.corpus[document] for document in data.qrels[query])
        return cls(found)

    def pairs(self, step: Step) -> Iterator[tuple[str, str]]:
        for query, documents in self.documents.items():
            for document in documents:
                if document == query:
                    step.tally.leave_out("pair", "held a text twice")
                else:
                    yield query, document
