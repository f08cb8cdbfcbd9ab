"""Retrieval sets: queries, documents and which documents answer which query. From BEIR folders or from pairs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from embtune.config.words import OnBadRow
from embtune.data.bad_rows import BadRows, BadValueError
from embtune.data.examples import Examples
from embtune.data.qrels import find_qrels, qrels_files, read_qrels
from embtune.data.readers.json_lines import json_kind
from embtune.data.row import Row, refuse
from embtune.data.rows import read_rows
from embtune.data.sources import has_retrieval_layout, part_of_retrieval
from embtune.data.texts import checked_text
from embtune.errors import DataError, Location, Problem

__all__ = [
    "RetrievalSet",
    "corpus_file",
    "document_text",
    "is_retrieval_folder",
    "known_answers",
    "load_retrieval",
    "retrieval_from_pairs",
]


@dataclass(frozen=True)
class RetrievalSet:
    """What a retrieval evaluation needs.

    queries, corpus: id -> text. Every query has at least one relevant document.
    qrels: query id -> document id -> score above 0; all ids are in `queries` and `corpus`.
    queries_unjudged: queries of the folder without a relevant document in this split, left out.
    rows_skipped: bad rows left out.
    """

    name: str
    queries: Mapping[str, str]
    corpus: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    queries_unjudged: int = 0
    rows_skipped: int = 0

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of the content: queries, documents and judgements, in their order."""
        digest = blake2b(digest_size=16)
        for part in (self.queries, self.corpus, self.qrels):
            digest.update(repr(list(part.items())).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def is_retrieval_folder(path: str | Path) -> bool:
    """Whether a path is a folder of the BEIR layout, or of MTEB's, or the qrels file of one split of such a folder."""
    return has_retrieval_layout(_folder_and_split(Path(path))[0])


def known_answers(path: str | Path) -> Iterator[tuple[str, str]]:
    """The text of a query and the id of a document that answers it, for all splits of a folder.

    Raises:
        DataError: rows that cannot be read.
    """
    folder, _ = _folder_and_split(Path(path))
    queries = _Skipped(OnBadRow.ERROR).read_texts(folder, "queries")
    for file in qrels_files(folder).values():
        bad = BadRows(file.name, OnBadRow.ERROR)
        judged = list(read_qrels(file, bad))
        bad.check(len(judged))
        yield from ((queries[each.query], each.document) for each in judged if each.score > 0 and each.query in queries)


def corpus_file(path: str | Path) -> Path:
    """The documents of a folder of the BEIR layout.

    Raises:
        ConfigError: it has none.
    """
    return _file(_folder_and_split(Path(path))[0], "corpus")


def _folder_and_split(path: Path) -> tuple[Path, str | None]:
    """`nq` -> (nq, None); `nq/qrels/dev.tsv` -> (nq, "dev")."""
    if path.parent.name == "qrels" and os.path.isfile(path):
        return path.parent.parent, path.name.partition(".")[0]
    return path, None


def load_retrieval(path: str | Path, split: str | None = None, on_bad_row: OnBadRow = OnBadRow.ERROR) -> RetrievalSet:
    """Read a folder of the BEIR layout: `corpus.jsonl`, `queries.jsonl` (also .gz, .zst) and `qrels/<split>.tsv`.

    A document with a title is title and text, joined by a space, as BEIR and Sentence Transformers have it.

    Args:
        path: the folder, or the qrels file of one of its splits. The name of the set is the folder's.
        split: which judgements; None takes those of `path`, or the only ones there are.
        on_bad_row: whether rows without id or text, ids given twice and judgements of unknown ids are errors or
            left out.

    Raises:
        ConfigError: the folder lacks a file or has no such split.
        DataError: bad rows (the first ten, and how many), or no query with a relevant document.
    """
    folder, named_split = _folder_and_split(Path(path))
    qrels_file = find_qrels(folder, split or named_split)
    skipped = _Skipped(on_bad_row)
    queries = skipped.read_texts(folder, "queries")
    corpus = skipped.read_texts(folder, "corpus")
    qrels = skipped.read_relevant(qrels_file, queries, corpus)
    if not qrels:
        hint = "do the ids of queries, corpus and qrels belong together, and is a score above 0?"
        message = "no query has a relevant document"
        raise DataError(Problem("no-relevant-document", message, Location(str(qrels_file)), hint))
    judged = {query: text for query, text in queries.items() if query in qrels}
    return RetrievalSet(folder.name, judged, corpus, qrels, len(queries) - len(judged), skipped.count)


class _Skipped:
    """Reads the files of a set and counts the rows left out."""

    def __init__(self, on_bad_row: OnBadRow) -> None:
        self.count = 0
        self._on_bad_row = on_bad_row

    def read_texts(self, folder: Path, stem: str) -> dict[str, str]:
        """Id -> text of `corpus` or `queries`."""
        path = _file(folder, stem)
        bad = BadRows(path.name, self._on_bad_row)
        texts: dict[str, str] = {}
        lines: dict[str, int | None] = {}  # where each id was first given
        for row in read_rows(str(path)):
            try:
                key, text = _id_and_text(row)
                if key in texts:
                    raise BadValueError("duplicate-id", f"the id {key!r} is that of line {lines[key]} already")
            except BadValueError as error:
                bad.add(row.problem or Problem(error.code, error.reason, row.location, error.hint))
            else:
                texts[key], lines[key] = text, row.location.line
        self._done(bad, good=len(texts))
        return texts

    def read_relevant(
        self, path: Path, queries: Mapping[str, str], corpus: Mapping[str, str]
    ) -> dict[str, dict[str, int]]:
        """Query id -> document id -> score, of judgements above 0."""
        bad = BadRows(path.name, self._on_bad_row)
        qrels: dict[str, dict[str, int]] = {}
        good = 0
        for found in read_qrels(path, bad):
            if found.query not in queries:
                bad.add(Problem("unknown-id", f"no query has the id {found.query!r}", found.location))
            elif found.document not in corpus:
                bad.add(Problem("unknown-id", f"no document has the id {found.document!r}", found.location))
            else:
                good += 1
                if found.score > 0:
                    qrels.setdefault(found.query, {})[found.document] = found.score
        self._done(bad, good)
        return qrels

    def _done(self, bad: BadRows, good: int) -> None:
        bad.check(good)
        self.count += bad.count


def _file(folder: Path, stem: str) -> Path:
    """The file, or the folder of files, of corpus or queries."""
    found = part_of_retrieval(folder, stem)
    if found is None:
        refuse("missing-file", f"no {stem}.jsonl in {folder.absolute()}", "it may also end in .jsonl.gz or .jsonl.zst")
    return found


def _id_and_text(row: Row) -> tuple[str, str]:
    """The id and the text, title first, of one row of corpus or queries."""
    if row.problem:
        raise BadValueError(row.problem.code, row.problem.message)
    values = row.values
    key = values.get("_id", values.get("id"))
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        raise BadValueError(
            "missing-id", f"_id is {json_kind(key)}, expected a text", 'a row is {"_id": "...", "text": "..."}'
        )
    return str(key), document_text(values)


def document_text(values: Mapping[str, object]) -> str:
    """The text of a row with the columns `title` and `text`, title first.

    Raises:
        BadValueError: there is neither.
    """
    title, text = values.get("title"), values.get("text")
    if isinstance(title, str) and title.strip():
        return checked_text(title if text in (None, "") else f"{title} {checked_text(text)}")
    try:
        return checked_text(text)
    except BadValueError as error:
        raise BadValueError(error.code, f"text {error.reason}", error.hint) from error


def retrieval_from_pairs(examples: Examples) -> RetrievalSet:
    """The retrieval set that pairs make: find an anchor's positives among all positives (and negatives).

    Queries are the distinct anchors, documents the distinct other texts; ids are the texts' numbers.

    Args:
        examples: with the roles anchor and positive.
    """
    anchors, positives = (examples.text_ids[role].tolist() for role in ("anchor", "positive"))
    documents = np.unique(np.concatenate([examples.text_ids[role] for role in examples.roles if role != "anchor"]))
    qrels: dict[str, dict[str, int]] = {}
    for anchor, positive in zip(anchors, positives, strict=True):
        qrels.setdefault(str(anchor), {})[str(positive)] = 1
    return RetrievalSet(
        name=examples.name,
        queries={query: examples.texts[int(query)] for query in qrels},
        corpus=dict(_texts(examples, documents.tolist())),
        qrels=qrels,
    )


def _texts(examples: Examples, numbers: list[int]) -> Iterator[tuple[str, str]]:
    return ((str(number), examples.texts[number]) for number in numbers if number >= 0)
