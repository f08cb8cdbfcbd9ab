from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from data_files import write_lines

from embtune.config.words import OnBadRow
from embtune.data.examples import Examples
from embtune.data.retrieval import RetrievalSet, is_retrieval_folder, load_retrieval, retrieval_from_pairs
from embtune.errors import ConfigError, DataError, EmbtuneError, Problem

QRELS = ("query-id", "corpus-id", "score")
HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small retrieval set with two splits."""
    base = tmp_path / "tiny"
    (base / "qrels").mkdir(parents=True)
    write_lines(
        base / "corpus.jsonl",
        {"_id": "d1", "title": "Cells", "text": "They live.", "metadata": {}},
        {"_id": "d2", "title": "", "text": " Verbatim "},
        {"_id": "d3", "title": "Only a title", "text": ""},
        {"_id": 4, "text": "An id may be a number."},
    )
    write_lines(base / "queries.jsonl", *({"_id": f"q{i}", "text": f"question {i}"} for i in range(1, 5)))
    (base / "qrels" / "dev.tsv").write_text(HEADER + "q1\td1\t1\nq1\td2\t2\nq2\td3\t0\nq3\t4\t1\n")
    (base / "qrels" / "test.tsv").write_text("q2\td3\t1.0\n")
    return base


def problems(folder: Path, split: str | None = "dev") -> list[Problem]:
    """What is wrong with a set."""
    with pytest.raises(EmbtuneError) as caught:
        load_retrieval(folder, split)
    return list(caught.value.problems)


def test_a_set_holds_what_one_split_judges(folder: Path) -> None:
    assert load_retrieval(folder, "dev") == RetrievalSet(
        name="tiny",
        queries={"q1": "question 1", "q3": "question 3"},
        corpus={
            "d1": "Cells They live.",
            "d2": " Verbatim ",
            "d3": "Only a title",
            "4": "An id may be a number.",
        },
        qrels={"q1": {"d1": 1, "d2": 2}, "q3": {"4": 1}},
        queries_unjudged=2,
    )


def test_judgements_may_come_without_a_header(folder: Path) -> None:
    assert load_retrieval(folder, "test").qrels == {"q2": {"d3": 1}}


def test_a_set_as_mteb_keeps_it_is_the_same_set(folder: Path) -> None:
    theirs = folder.parent / "mteb" / "tiny"
    ours = load_retrieval(folder, "dev")
    judged = [(query, document, score) for query, found in ours.qrels.items() for document, score in found.items()]
    tables = {
        "corpus/test-00000-of-00001.parquet": {"_id": list(ours.corpus), "text": list(ours.corpus.values())},
        "queries/test-00000-of-00001.parquet": {"_id": list(ours.queries), "text": list(ours.queries.values())},
        "qrels/test-00000-of-00001.parquet": dict(zip(QRELS, map(list, zip(*judged, strict=True)), strict=True)),
    }
    for name, columns in tables.items():
        (theirs / name).parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), theirs / name)
    write_lines(theirs / "qrels" / "dev.jsonl", {"query-id": "q1", "corpus-id": "d2", "score": 1})
    assert is_retrieval_folder(theirs)
    assert load_retrieval(theirs, "test") == replace(ours, queries_unjudged=0)
    assert load_retrieval(theirs, "dev").qrels == {"q1": {"d2": 1}}
    write_lines(theirs / "qrels" / "dev.jsonl", {"query-id": "q1", "corpus-id": "d2"})
    assert problems(theirs)[0].code == "bad-judgement"


def test_a_qrels_file_stands_for_its_split(folder: Path) -> None:
    path = folder / "qrels" / "test.tsv"
    assert is_retrieval_folder(path)
    assert load_retrieval(path) == load_retrieval(folder, "test")


def test_the_only_split_need_not_be_named(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").unlink()
    assert load_retrieval(folder) == load_retrieval(folder, "dev")


def test_several_splits_are_named_with_the_line_to_write(folder: Path) -> None:
    (problem,) = problems(folder, None)
    assert problem.message == f"{folder} has judgements for several splits: dev, test"
    assert problem.hint == f"name the file instead of the folder, as in {folder / 'qrels' / 'dev.tsv'}"


def test_files_may_be_compressed(folder: Path) -> None:
    whole = load_retrieval(folder, "dev")
    for name in ("corpus.jsonl", "qrels/dev.tsv"):
        path = folder / name
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    queries = folder / "queries.jsonl"
    queries.with_name("queries.jsonl.zst").write_bytes(zstandard.compress(queries.read_bytes()))
    queries.unlink()
    assert is_retrieval_folder(folder)
    assert load_retrieval(folder, "dev") == whole


def test_a_folder_lacking_a_part_is_no_retrieval_folder(folder: Path) -> None:
    assert is_retrieval_folder(str(folder))
    (folder / "corpus.jsonl").unlink()
    assert not is_retrieval_folder(folder)
    assert not is_retrieval_folder(folder / "nothing")
    assert problems(folder)[0].code == "missing-file"


def test_a_missing_split_names_those_there_are(folder: Path) -> None:
    (problem,) = problems(folder, "train")
    assert problem.hint == "there are: dev, test"


def test_judgements_of_unknown_ids_are_located_and_counted(folder: Path) -> None:
    path = folder / "qrels" / "dev.tsv"
    path.write_text(HEADER + "q1\td1\t1\nq9\td1\t1\nq1\td9\t1\nq1\td1\nq1\td1\tgood\n")
    assert [problem.render().splitlines()[0] for problem in problems(folder)] == [
        f"{path}:3: error[unknown-id]: no query has the id 'q9'",
        f"{path}:4: error[unknown-id]: no document has the id 'd9'",
        f"{path}:5: error[wrong-cells]: 2 cells in this line, expected 3",
        f"{path}:6: error[bad-score]: the score 'good' is no whole number",
        "error[bad-rows]: 4 of 5 rows of 'dev.tsv' cannot be used",
    ]


def test_bad_rows_may_be_left_out_and_are_counted(folder: Path) -> None:
    with (folder / "qrels" / "dev.tsv").open("a") as file:
        file.write("q1\td9\t1\n")
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d1", "text": "again"}\n')
    found = load_retrieval(folder, "dev", OnBadRow.SKIP)
    assert found.rows_skipped == 2
    assert found.corpus["d1"] == "Cells They live."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"_id": "d1", "text": "again"}', "the id 'd1' is that of line 1 already"),
        ('{"text": "no id"}', "_id is null, expected a text"),
        ('{"_id": "d9", "text": ""}', "text is empty"),
        ('{"_id": "d9", "title": "", "text": 3}', "text is a number (3), expected text"),
        ('{"_id": "d9"', "this line is no JSON: Expecting ',' delimiter"),
    ],
)
def test_a_bad_document_is_located(folder: Path, line: str, message: str) -> None:
    path = folder / "corpus.jsonl"
    with path.open("a") as file:
        file.write(line + "\n")
    first = problems(folder)[0]
    assert first.message == message
    assert first.location is not None
    assert (first.location.path, first.location.line) == (str(path), 5)


def test_a_split_without_a_relevant_document_is_an_error(folder: Path) -> None:
    (folder / "qrels" / "dev.tsv").write_text(HEADER + "q1\td1\t0\n")
    with pytest.raises(DataError, match="no query has a relevant document"):
        load_retrieval(folder, "dev")
    (folder / "qrels" / "dev.tsv").unlink()
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(ConfigError, match="no judgements in"):
        load_retrieval(folder)


def test_the_real_folders_hold_what_their_manifest_says(shared_data: Path) -> None:
    for name, queries, documents in (("medquad_dev", 1302, 1505), ("xquad_en", 1190, 240)):
        found = load_retrieval(shared_data / "retrieval" / name)
        assert (len(found.queries), len(found.corpus)) == (queries, documents)
        assert sum(map(len, found.qrels.values())) == max(queries, documents)


def test_pairs_are_a_retrieval_set_of_their_distinct_texts() -> None:
    ids = {
        "anchor": np.array([0, 0, 3], dtype=np.int32),
        "positive": np.array([1, 2, 1], dtype=np.int32),
        "negative_1": np.array([4, -1, 2], dtype=np.int32),
    }
    found = retrieval_from_pairs(Examples("demo", tuple(ids), ["q", "a", "b", "r", "n"], ids))
    assert found.queries == {"0": "q", "3": "r"}
    assert found.corpus == {"1": "a", "2": "b", "4": "n"}
    assert found.qrels == {"0": {"1": 1, "2": 1}, "3": {"1": 1}}
