"""What a row and a file may hold: more of it is an error with a place, never a crash, a hang or all of the memory."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from embtune.catalog.roles import canonical_role
from embtune.data.bad_rows import BadValueError
from embtune.data.readers import delimited, streams
from embtune.data.readers.formats import Compression
from embtune.data.readers.json_lines import MAX_DEPTH
from embtune.data.readers.lines import read_lines
from embtune.data.roles import detect_layout
from embtune.data.rows import read_rows, sample_rows
from embtune.data.texts import MAX_NEGATIVES, TextColumns
from embtune.errors import DataError, EmbtuneError, Problem


def fatal(path: Path) -> Problem:
    with pytest.raises(EmbtuneError) as caught:
        list(read_rows(str(path)))
    (problem,) = caught.value.problems
    return problem


def told(path: Path) -> list[tuple[str, int | None]]:
    """Code and line of each bad row."""
    bad = [row.problem for row in read_rows(str(path)) if row.problem]
    return [(problem.code, problem.location.line if problem.location else None) for problem in bad]


def nested(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


def test_a_long_line_is_an_error_at_its_line_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"short\n" + b"x" * 300 + b"\nnext\n")
    with path.open("rb") as stream:
        lines = list(read_lines(stream, limit=200))
    assert [(line.number, line.fault.code if line.fault else line.text) for line in lines] == [
        (1, "short\n"),
        (2, "long-line"),
        (3, "next\n"),
    ]


@pytest.mark.parametrize("name", ["data.json", "data.json.gz", "data.parquet.gz", "data.arrow.gz"])
def test_a_file_that_is_read_whole_is_read_up_to_a_limit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WHOLE_LIMIT", 1 << 20)
    content = b'[{"text": "' + bytes(3 << 20) + b'"}]'
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    problem = fatal(path)
    assert problem.code == "too-large"
    assert str(problem.location) == str(path)
    assert problem.hint


def test_a_quote_that_is_never_closed_makes_no_row_of_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "LINE_LIMIT", 1000)
    path = tmp_path / "data.csv"
    path.write_text('text,other\na,b\n"' + "word,word\n" * 500)
    rows = list(read_rows(str(path)))
    assert rows[0].values == {"text": "a", "other": "b"}
    assert rows[1].problem is not None
    assert rows[1].problem.code == "broken-csv"
    assert rows[1].location.line == 3


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_a_row_is_nested_up_to_a_limit(suffix: str, tmp_path: Path) -> None:
    rows = [f'{{"text": {nested(levels)}}}' for levels in (MAX_DEPTH - 1, MAX_DEPTH, 600)]
    path = tmp_path / f"data.{suffix}"
    path.write_text("\n".join(rows) if suffix == "jsonl" else f"[{', '.join(rows)}]")
    assert [code for code, _ in told(path)] == ["nested-too-deeply"] * 2


@pytest.mark.parametrize("levels", [400, 600, 5000])
def test_a_cell_of_brackets_is_a_text(levels: int, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(f'anchor,positive\n"{nested(levels)}",b\n"{"[" * levels}",d\n')
    assert detect_layout(sample_rows(str(path)), []).roles == ("anchor", "positive")


def test_a_list_of_negatives_has_a_limit() -> None:
    columns = TextColumns({"anchor": "anchor", "negatives": "negatives"})
    assert len(columns.read({"anchor": "a", "negatives": ["n"] * MAX_NEGATIVES})) == MAX_NEGATIVES + 1
    with pytest.raises(BadValueError, match=r"expected 4,096 at most"):
        columns.read({"anchor": "a", "negatives": ["n"] * (MAX_NEGATIVES + 1)})


def test_a_header_of_many_columns_is_read_in_no_time(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(",".join(f"c{i}" for i in range(100_000)) + "\n")
    started = time.process_time()
    assert fatal(path).code == "no-rows"
    assert time.process_time() - started < 5  # minutes, where each name is looked for among all


@pytest.mark.parametrize("name", ["data.jsonl", "data.csv.gz", "set/qrels/dev.tsv"])
def test_a_pipe_is_no_data_file_and_nobody_waits_for_it(name: str, tmp_path: Path) -> None:
    pipe = tmp_path / name
    pipe.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(pipe)
    assert fatal(pipe).code == "not-a-file"
    with pytest.raises(DataError, match="not-a-file"), streams.open_bytes(pipe, Compression.NONE, str(pipe)):
        pass


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_data_file(device: str, tmp_path: Path) -> None:
    if not Path(device).exists():
        pytest.skip(f"needs {device}")
    (tmp_path / "data.jsonl").symlink_to(device)
    assert fatal(tmp_path / "data.jsonl").code == "not-a-file"


def test_a_folder_under_the_name_of_a_file_and_a_link_to_itself_are_told(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").mkdir()
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    assert fatal(tmp_path / "data.jsonl").code == "no-data-files"
    assert fatal(tmp_path / "loop.jsonl").code in ("missing-file", "unreadable-file")


def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"text": "a"}))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("needs a user whom permissions bind")
    assert fatal(path).code == "unreadable-file"


@pytest.mark.parametrize("digits", [7, 6000])
def test_a_column_whose_name_ends_in_a_number_without_end_is_no_numbered_role(digits: int, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(f"text_{'9' * digits},negative_{'9' * digits}\na,b\nc,d\n")
    assert detect_layout(sample_rows(str(path)), []).roles == ("anchor", "positive")
    assert canonical_role(f"negative_{'9' * digits}") is None
