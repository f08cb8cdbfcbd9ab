from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from data_files import write_lines, write_table
from datasets import Dataset

from embtune.data.rows import read_rows, sample_rows

ROWS = [
    {"question": "What is a cell?", "answer": "The unit of life."},
    {"question": "Was heißt „Zelle“? 🧬", "answer": 'He said "it, a cell"'},
    {"question": "two\nlines", "answer": " spaces kept "},
    {"question": "tab\there", "answer": "nul\x00kept"},
    {"question": "last", "answer": "row"},
]
FORMATS = ["jsonl", "json", "csv", "tsv", "parquet", "arrow", "feather"]


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_and_compression_gives_the_same_rows(tmp_path: Path, kind: str, compression: str) -> None:
    path = write_table(tmp_path / f"data.{kind}{compression}", ROWS)
    rows = list(read_rows(str(path)))
    assert [row.values for row in rows] == ROWS
    assert {row.location.path for row in rows} == {str(path)}
    assert all(row.problem is None for row in rows)


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_plain_text_is_one_text_a_line(tmp_path: Path, compression: str) -> None:
    rows = [{"text": "first"}, {"text": " second, verbatim "}]
    path = write_table(tmp_path / f"data.txt{compression}", rows)
    assert [row.values for row in read_rows(str(path))] == rows


@pytest.mark.parametrize(
    ("kind", "lines"),
    [("jsonl", [1, 2, 3, 4, 5]), ("csv", [2, 3, 4, 6, 7]), ("tsv", [2, 3, 4, 6, 7]), ("json", [2, 6, 10, 14, 18])],
)
def test_a_row_is_located_at_the_line_it_starts_on(tmp_path: Path, kind: str, lines: list[int]) -> None:
    path = write_table(tmp_path / f"data.{kind}", ROWS)
    assert [row.location.line for row in read_rows(str(path))] == lines


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather"])
def test_a_columnar_row_is_located_by_its_number(tmp_path: Path, kind: str) -> None:
    path = write_table(tmp_path / f"data.{kind}", ROWS)
    assert [row.location.line for row in read_rows(str(path))] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "txt"])
def test_a_byte_order_mark_is_no_part_of_the_data(tmp_path: Path, kind: str) -> None:
    rows = [{"text": "one"}, {"text": "two"}]
    path = write_table(tmp_path / f"data.{kind}", rows)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [row.values for row in read_rows(str(path))] == rows


def test_a_json_object_with_data_holds_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('{"version": {"a": [1, 2]},\n "data": [\n{"text": "a"},\n\n{"text": "b"}], "more": 1}')
    rows = list(read_rows(str(path)))
    assert [(row.values["text"], row.location.line) for row in rows] == [("a", 3), ("b", 5)]


def test_json_lines_may_be_called_json(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "data.json", {"text": "a"}, {"text": "b"})
    assert [(row.values["text"], row.location.line) for row in read_rows(str(path))] == [("a", 1), ("b", 2)]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('\n{"text": "a"}\r\n  \n{"text": "b"}')
    (tmp_path / "data.csv").write_text("\ntext,n\r\n\r\na,1\n\nb,2")
    assert [row.location.line for row in read_rows(str(tmp_path / "data.jsonl"))] == [2, 4]
    assert [row.location.line for row in read_rows(str(tmp_path / "data.csv"))] == [4, 6]


def test_column_names_are_kept_as_written_and_empty_cells_are_null(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text('Question ," answer",\nq,,x\n')
    assert next(read_rows(str(tmp_path / "data.csv"))).values == {"Question ": "q", " answer": None, "": "x"}


def test_a_line_separator_inside_a_json_text_does_not_end_the_line(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a\u2028b\u0085c"}\n', encoding="utf-8")
    assert [row.values["text"] for row in read_rows(str(path))] == ["a\u2028b\u0085c"]


def test_a_cell_may_be_longer_than_the_csv_modules_own_limit(tmp_path: Path) -> None:
    path = write_table(tmp_path / "data.csv", [{"text": "x" * 300_000, "n": "1"}])
    assert len(str(next(read_rows(str(path))).values["text"])) == 300_000


def test_a_folder_saved_by_datasets_is_read(tmp_path: Path) -> None:
    Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "saved"))
    assert [row.values for row in read_rows("saved", tmp_path)] == ROWS


def test_standard_input_is_json_lines() -> None:
    rows = list(read_rows("-", stdin=BytesIO(b'{"text": "a"}\n{"text": "b"}\n')))
    assert [(row.values["text"], str(row.location)) for row in rows] == [("a", "<stdin>:1"), ("b", "<stdin>:2")]


def test_a_sample_holds_the_first_readable_rows(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("oops\n" + "".join(json.dumps({"text": str(i)}) + "\n" for i in range(50)))
    assert [row.values["text"] for row in sample_rows(str(path), count=4)] == ["0", "1", "2"]
