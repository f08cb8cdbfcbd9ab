"""A corpus gives its documents whatever its rows look like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from embtune.data.documents import Document, read_documents
from embtune.errors import ConfigError, DataError


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def documents(path: str) -> list[Document]:
    return list(read_documents(path))


def test_title_and_text_are_one_document_as_in_beir(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"_id": "a", "title": "Rivers", "text": "run."},
        {"_id": 7, "title": "", "text": "Bees hum."},
    ]
    assert documents(write(tmp_path / "c.jsonl", rows)) == [Document("Rivers run.", "a"), Document("Bees hum.", "7")]


def test_a_beir_folder_and_its_qrels_give_its_corpus(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", [{"_id": "a", "text": "one"}])
    write(tmp_path / "queries.jsonl", [{"_id": "q", "text": "which"}])
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "dev.tsv").write_text("q\ta\t1\n")
    assert documents(str(tmp_path)) == documents(str(tmp_path / "qrels" / "dev.tsv")) == [Document("one", "a")]


@pytest.mark.parametrize("column", ["text", "passage", "body"])
def test_a_single_column_of_texts_is_the_documents_whatever_its_name(column: str, tmp_path: Path) -> None:
    rows = [{"number": number, column: f"text {number}"} for number in range(3)]
    assert [each.text for each in documents(write(tmp_path / "c.jsonl", rows))] == ["text 0", "text 1", "text 2"]


def test_a_line_of_plain_text_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("one\ntwo\n")
    assert [each.text for each in documents(str(tmp_path / "c.txt"))] == ["one", "two"]


def test_rows_to_train_on_give_all_but_their_anchors_and_say_what_answers_them(tmp_path: Path) -> None:
    rows = [
        {"query": "what is it", "positive": f"it is {word}", "negatives": [f"not {word}", "other"]} for word in "ab"
    ]
    expected = []
    for word in "ab":
        expected += [Document(f"it is {word}", anchor="what is it"), Document(f"not {word}"), Document("other")]
    assert documents(write(tmp_path / "c.jsonl", rows)) == expected


def test_columns_without_a_role_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        documents(write(tmp_path / "c.jsonl", [{"x": "one text here", "y": "another text", "z": "a third"}] * 3))


def test_bad_rows_come_together_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", [{"text": "good"}, {"text": ""}, {"text": "fine"}, {"text": 5}])
    with pytest.raises(DataError) as caught:
        documents(path)
    assert [each.location.line for each in caught.value.problems[:2] if each.location] == [2, 4]
    assert "2 of 4 rows" in str(caught.value)
