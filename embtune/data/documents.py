"""The documents of a corpus, one after the other: nothing is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from embtune.config.words import OnBadRow
from embtune.data.bad_rows import BadRows, BadValueError
from embtune.data.columns import Cell, profile
from embtune.data.retrieval import corpus_file, document_text, is_retrieval_folder
from embtune.data.roles import detect_layout
from embtune.data.row import Row
from embtune.data.rows import read_rows, sample_rows
from embtune.data.texts import TextColumns, checked_text, in_role
from embtune.errors import Problem

_MARKS = ("_id", "title")  # beside a column `text` they say that a row is a document
_REMEDY = "correct or remove these rows; embtune check-format FILE --fix OUT writes those that can be used"


@dataclass(frozen=True)
class Document:
    """A text of a corpus.

    id: what the corpus calls it. anchor: a text that it answers, by the corpus' own account.
    """

    text: str
    id: str | None = None
    anchor: str | None = None


Reader = Callable[[Mapping[str, object]], list[Document]]


def read_documents(path: str) -> Iterator[Document]:
    """Every document of a corpus.

    Args:
        path: a folder of the BEIR layout; or a file, glob, folder or hub dataset whose rows are documents (`text`, with
            or without `title` and `_id`; or a single column of texts), or rows to train on, of which all texts but
            the anchors are documents.

    Raises:
        ConfigError: there is nothing, or no telling what is a document in it.
        DataError: rows that cannot be used, after all others.
    """
    source = str(corpus_file(path)) if is_retrieval_folder(path) else path
    read = document_reader(sample_rows(source))
    bad, good = BadRows(path, OnBadRow.ERROR), 0
    for row in read_rows(source):
        try:
            found = read(row.values) if row.problem is None else []
        except BadValueError as error:
            bad.add(Problem(error.code, error.reason, row.location, error.hint))
            continue
        if row.problem:
            bad.add(row.problem)
        good += row.problem is None
        yield from found
    bad.check(good, _REMEDY)


def document_reader(sample: Sequence[Row]) -> Reader:
    """How a row of the corpus is read, from what its first rows hold.

    Raises:
        ConfigError: columns whose roles cannot be told.
    """
    columns = profile(sample)
    if "text" in columns and any(mark in columns for mark in _MARKS):
        return lambda values: [Document(document_text(values), _id(values))]
    texts = [name for name, column in columns.items() if column.cell is Cell.TEXT]
    if len(texts) == 1:
        return _single(texts[0])
    return _rows(TextColumns(detect_layout(sample).columns))


def _single(column: str) -> Reader:
    def read(values: Mapping[str, object]) -> list[Document]:
        try:
            return [Document(checked_text(values.get(column)))]
        except BadValueError as error:
            raise in_role(error, "document", column) from error

    return read


def _rows(columns: TextColumns) -> Reader:
    """Rows to train on: every text but the anchor is a document, and the positive answers the anchor."""

    def read(values: Mapping[str, object]) -> list[Document]:
        texts = columns.read(values)
        by_role = dict(zip(columns.roles(len(texts)), texts, strict=True))
        answers = {"positive": by_role.pop("anchor", None)}
        return [Document(text, anchor=answers.get(role)) for role, text in by_role.items() if text is not None]

    return read


def _id(values: Mapping[str, object]) -> str | None:
    key = values.get("_id")
    return None if key is None else str(key)
