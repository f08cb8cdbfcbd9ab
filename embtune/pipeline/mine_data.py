"""What `mine` works on: anchors with their positives, the documents that can be negatives, and who belongs to whom.

Legend: R rows, A anchors, P pairs of an anchor and a positive, E pairs of an anchor and a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from embtune.catalog.formats import N_TUPLE, PAIR, TRIPLET
from embtune.config.sections.data import name_of
from embtune.data.distinct_texts import DistinctTexts, Identities, identities, identity
from embtune.data.documents import read_documents
from embtune.data.examples import load_examples
from embtune.data.retrieval import is_retrieval_folder, known_answers, load_retrieval
from embtune.data.roles import detect_layout
from embtune.data.rows import SAMPLE_ROWS, STDIN, read_rows, readable_rows
from embtune.errors import ConfigError, Problem
from embtune.pipeline.collecting import located_at
from embtune.pipeline.mine_search import Pairs

_WANTED = (PAIR, TRIPLET, N_TUPLE)


@dataclass(frozen=True)
class AnchoredRows:
    """Rows of an anchor and its positive.

    rows: the two texts of each.
    notes: what a person should know.
    """

    rows: Sequence[tuple[str, str]]
    notes: tuple[str, ...] = ()


def read_anchored(data: str, stdin: BinaryIO | None = None) -> AnchoredRows:
    """Read anchors and positives: any data source, standard input (`-`), or a BEIR folder, whose judgements are pairs.

    Raises:
        ConfigError: there is no such data, or it has no anchors and positives.
        DataError: rows that cannot be used.
    """
    place = "<stdin>" if data == STDIN else data
    with located_at(place):
        if data != STDIN and is_retrieval_folder(data):
            found = load_retrieval(data)
            return AnchoredRows(
                [
                    (text, found.corpus[document])
                    for query, text in found.queries.items()
                    for document in found.qrels[query]
                ]
            )
        return _of_rows(data, stdin)


def _of_rows(data: str, stdin: BinaryIO | None) -> AnchoredRows:
    rows = read_rows(data, stdin=stdin)
    head = list(islice(rows, SAMPLE_ROWS))
    layout = detect_layout(readable_rows(head), _WANTED)
    if not {"anchor", "positive"} <= set(layout.roles):
        message = f"it holds {layout}, and each row needs an anchor and its positive"
        raise ConfigError(Problem("no-positives", message, None, "Make pairs of it first: embtune convert --to pairs."))
    examples = load_examples(chain(head, rows), layout, name_of(data))
    texts, anchors, positives = examples.texts, examples.text_ids["anchor"], examples.text_ids["positive"]
    others = [role for role in layout.roles if role not in ("anchor", "positive")]
    notes = (f"the negatives that the rows have already ({', '.join(others)}) are not read",) if others else ()
    pairs = zip(anchors.tolist(), positives.tolist(), strict=True)
    return AnchoredRows([(texts[anchor], texts[positive]) for anchor, positive in pairs], notes)


@dataclass(frozen=True)
class Relations:
    """Who belongs to whom, in numbers. Anchors that say the same (white space and case aside) count as one.

    anchors: the first spelling of each, in order of first use.
    anchor_of_row, pair_of_row: (R,) of each row the number of its anchor, and of its pair in `positives_P2`.
    candidates: the first so many documents can be negatives; behind them stand positives that the corpus lacks.
    positives_P2: anchor and document, each pair once, by rising anchor.
    excluded_E2: anchor and candidate that is a known positive of it, or says the same as it; the same way.
    """

    anchors: Sequence[str]
    anchor_of_row: NDArray[np.int64]
    pair_of_row: NDArray[np.int64]
    candidates: int
    positives_P2: Pairs
    excluded_E2: Pairs


def relate(rows: Sequence[tuple[str, str]], corpus: str | None, documents: DistinctTexts) -> Relations:
    """Fill `documents` with those of the corpus, or with the positives where there is none, and say who knows whom.

    Raises:
        ConfigError, DataError: the corpus cannot be read.
    """
    anchor_of_row, first_row = _anchors(identities(anchor for anchor, _ in rows))
    positives = identities(positive for _, positive in rows)
    anchors = [rows[row][0] for row in first_row.tolist()]
    known = [(anchor_of_row, positives), (np.arange(len(anchors)), identities(anchors))]
    if corpus is not None:
        known.append(_read_corpus(corpus, anchors, documents))
    else:
        documents.extend(positive for _, positive in rows)
    candidates = len(documents)
    documents.extend(positive for _, positive in rows)
    excluded = np.concatenate([_pairs(numbers, documents.positions(said)) for numbers, said in known])
    possible = (excluded[:, 1] >= 0) & (excluded[:, 1] < candidates)
    pairs = _pairs(anchor_of_row, documents.positions(positives))
    positives_P2, pair_of_row = np.unique(pairs, axis=0, return_inverse=True)
    return Relations(
        anchors=anchors,
        anchor_of_row=anchor_of_row,
        pair_of_row=pair_of_row.reshape(-1),
        candidates=candidates,
        positives_P2=positives_P2,
        excluded_E2=np.unique(excluded[possible], axis=0),
    )


def _anchors(said_R: Identities) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(R,) the number of each row's anchor, by first use, and (A,) the row where each is first used."""
    _, first_A, which_R = np.unique(said_R, return_index=True, return_inverse=True)
    order_A = np.argsort(first_A)
    number_A = np.empty_like(order_A)
    number_A[order_A] = np.arange(len(order_A))
    return number_A[which_R.reshape(-1)], first_A[order_A]


def _read_corpus(corpus: str, anchors: Sequence[str], documents: DistinctTexts) -> tuple[NDArray[np.int64], Identities]:
    """The documents, and of those that answer an anchor, by the corpus' account: the anchor, and what they say."""
    numbers: list[int] = []
    said: list[int] = []
    number_of = {identity(anchor): number for number, anchor in enumerate(anchors)}

    def texts() -> Iterator[str]:
        judged = _judged(corpus, number_of) if is_retrieval_folder(corpus) else {}
        for each in read_documents(corpus):
            own = None if each.anchor is None else number_of.get(identity(each.anchor))
            for number in judged.get(each.id, ()) if own is None else (own,):
                numbers.append(number)
                said.append(identity(each.text))
            yield each.text

    with located_at(corpus):
        documents.extend(texts())
    return np.array(numbers, dtype=np.int64), np.array(said, dtype=np.uint64)


def _judged(corpus: str, number_of: Mapping[int, int]) -> Mapping[str | None, list[int]]:
    """Document id -> the anchors that it answers, by any split of the corpus. number_of: by what the anchor says."""
    answered: dict[str | None, list[int]] = {}
    for query, document in known_answers(corpus):
        number = number_of.get(identity(query))
        if number is not None:
            answered.setdefault(document, []).append(number)
    return answered


def _pairs(left: NDArray[np.int64], right: NDArray[np.int64]) -> Pairs:
    return np.stack([left, right], axis=1)
