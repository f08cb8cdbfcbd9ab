"""Rows written and read again, by the readers and by other libraries; what cannot be written is refused early."""

from __future__ import annotations

import gzip
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embtune.data.rows import read_rows
from embtune.data.writing import check_output, row_writer
from embtune.errors import RunError, UsageError

Values = dict[str, object]

TABLES = ("rows.csv", "rows.tsv", "rows.csv.gz", "rows.parquet")
ALL = ("rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst", "rows.ndjson", *TABLES)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
ROWS = st.lists(st.fixed_dictionaries({"anchor": TEXTS, "the positive": TEXTS}), min_size=1, max_size=4)


def write(path: Path, rows: list[Values]) -> Path:
    with row_writer(path) as sink:
        for row in rows:
            sink.write(row)
    assert sink.count == len(rows)
    return path


@pytest.mark.parametrize("name", ALL)
@given(rows=ROWS)
def test_texts_come_back_as_they_were_from_every_format(name: str, rows: list[Values]) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder, name), rows)
        assert [row.values for row in read_rows(str(path))] == rows
        assert [entry.name for entry in Path(folder).iterdir()] == [name]


@pytest.mark.parametrize("name", ALL)
def test_equal_rows_give_equal_bytes(name: str, tmp_path: Path) -> None:
    rows: list[Values] = [{"text": "one"}, {"text": "two"}]
    first = write(tmp_path / name, rows).read_bytes()
    assert write(tmp_path / f"other-{name}", rows).read_bytes() == first


def test_json_lines_hold_lists_and_half_characters(tmp_path: Path) -> None:
    rows: list[Values] = [{"negatives": ["a", "b"], "n": 1.5, "none": None}, {"text": "caf\ud800é"}]
    path = write(tmp_path / "rows.jsonl.gz", rows)
    assert [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()] == rows


def test_parquet_holds_more_rows_than_a_group_and_a_column_whose_first_values_are_null(tmp_path: Path) -> None:
    rows: list[Values] = [{"n": i, "tags": ["x"], "late": None if i < 9000 else "at last"} for i in range(9001)]
    path = write(tmp_path / "rows.parquet", rows)
    assert pq.read_table(path).to_pylist() == rows


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("rows.csv", [{"negatives": ["a"]}], "column 'negatives' holds a list"),
        ("rows.csv", [{"a": "x"}, {"a": "y", "b": "z"}], "the column 'b', which the first row has not"),
        ("rows.parquet", [{"a": "x"}, {"a": 1}], "values of several types"),
        ("rows.csv", [{"a": "caf\ud800"}], "half a character"),
    ],
)
def test_what_a_table_cannot_hold_names_a_format_that_can(
    name: str, rows: list[Values], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        write(tmp_path / name, rows)
    assert ".jsonl" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("rows.txt", "unknown-extension"),
        ("rows", "unknown-extension"),
        ("rows.parquet.gz", "unknown-extension"),
        ("no/such/rows.jsonl", "missing-folder"),
        ("folder.jsonl", "not-a-file"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_done(name: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UsageError) as caught:
        check_output(tmp_path / name)
    assert caught.value.problems[0].code == code
    with pytest.raises(UsageError), row_writer(tmp_path / name):
        raise AssertionError("the block is never entered")


def test_a_block_that_raises_leaves_the_older_file_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", [{"text": "old"}])
    with pytest.raises(UsageError):
        write(path, [{"text": "new"}, {"text": ["no cell"]}])
    assert path.read_text() == "text\nold\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst", "rows.csv", "rows.parquet"])
def test_a_full_disk_is_an_error_that_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"cannot write .*{name}"), files_of_at_most(4096):
        write(tmp_path / name, [{"text": str(hash((i, "x")))} for i in range(20_000)])
    assert list(tmp_path.iterdir()) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
