from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from data_files import compress, write_table

from embtune.data.rows import read_rows, sample_rows
from embtune.errors import DataError, EmbtuneError, Location, Problem

WHOLE = b"".join(b'{"text": "row %d"}\n' % i for i in range(20_000))


def fatal(path: Path) -> Problem:
    """The one problem of a file that cannot be read on."""
    with pytest.raises(DataError) as caught:
        list(read_rows(str(path)))
    (problem,) = caught.value.problems
    return problem


def rejected(path: Path) -> list[Problem]:
    """The problems of the rows that cannot be read, in a file that can."""
    return [row.problem for row in read_rows(str(path)) if row.problem]


def parquet(folder: Path) -> bytes:
    """The bytes of a parquet file."""
    return write_table(folder / "whole.parquet", [{"text": "a"}]).read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.jsonl", b"", "no-rows"),
        ("empty.parquet", b"", "corrupt-file"),
        ("blank.jsonl", b"\n \n", "no-rows"),
        ("header.csv", b"text,label\n", "no-rows"),
        ("none.json", b"[]", "no-rows"),
        ("blank.json", b" \n", "no-rows"),
        ("empty.jsonl.gz", gzip.compress(b"", mtime=0), "no-rows"),
        ("empty.jsonl.zst", zstandard.compress(b""), "no-rows"),
        ("cut.jsonl.gz", gzip.compress(WHOLE)[:-2000], "truncated-file"),
        ("cut.jsonl.zst", zstandard.compress(WHOLE)[:-2000], "truncated-file"),
        ("plain.jsonl.gz", WHOLE, "corrupt-file"),
        ("plain.jsonl.zst", WHOLE, "corrupt-file"),
        ("damaged.jsonl.gz", gzip.compress(WHOLE)[:-8] + bytes(8), "corrupt-file"),
        ("text.parquet", WHOLE, "corrupt-file"),
        ("text.arrow", WHOLE, "corrupt-file"),
        ("text.parquet.gz", gzip.compress(WHOLE), "corrupt-file"),
        ("object.json", b'{"text": "a"}', "json-shape"),
        ("columns.json", b'{"text": ["a", "b"]}', "json-shape"),
        ("number.json", b"3", "broken-json"),
        ("broken.json", b'[{"text": "a"},\n {"text": }]', "broken-json"),
        ("open.json", b'[{"text": "a"}', "broken-json"),
        ("after.json", b'[{"text": "a"}] []', "broken-json"),
        ("comma.json", b'[{"text": "a"},]', "broken-json"),
        ("member.json", b'{"data": [{"text": "a"}', "broken-json"),
        ("latin.json", '[{"text": "caf\xe9"}]'.encode("latin-1"), "wrong-encoding"),
        ("twice.csv", b"text,text\na,b\n", "duplicate-column"),
        ("header.tsv", b"te\xe9xt\ta\n", "wrong-encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_located_error(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    problem = fatal(path)
    assert problem.code == code
    assert problem.location is not None
    assert problem.location.path == str(path)
    assert problem.hint


def test_a_cut_off_parquet_file_is_a_located_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    path.write_bytes(parquet(tmp_path)[:-20])
    assert fatal(path).code == "corrupt-file"


def test_a_file_that_the_system_cannot_read_is_a_located_error(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    memory = Path("/proc/self/mem")
    if not memory.exists():
        pytest.skip("needs /proc/self/mem, a file whose first byte cannot be read")
    path.symlink_to(memory)
    assert fatal(path).code == "unreadable-file"


def test_two_zstandard_frames_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl.zst"
    path.write_bytes(zstandard.compress(WHOLE) + zstandard.compress(WHOLE))
    assert sum(1 for _ in read_rows(str(path))) == 40_000


def test_a_broken_json_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b"\n[1, 2]\nnull\n{"text": "c"}\n')
    rows = list(read_rows(str(path)))
    assert [row.values.get("text") for row in rows] == ["a", None, None, None, "c"]
    assert [problem.render().splitlines()[0] for problem in rejected(path)] == [
        f"{path}:2:13: error[broken-json]: this line is no JSON: Expecting ',' delimiter",
        f'{path}:3: error[not-an-object]: expected an object such as {{"text": "..."}}, found a list ([1, 2])',
        f'{path}:4: error[not-an-object]: expected an object such as {{"text": "..."}}, found null',
    ]


@pytest.mark.parametrize("line", ["[" * 100_000, '{"n": ' + "9" * 5000 + "}", "\x00", '{"a": "\ud800'])
def test_no_line_makes_the_json_reader_fail(tmp_path: Path, line: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(line + "\n", errors="surrogatepass")
    assert len(rejected(path)) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "broken-json"),
        ('{"data": [' + "9" * 5000 + "]}", "broken-json"),
        ("{", "json-shape|broken-json"),
        ('{"a"', "broken-json"),
    ],
)
def test_no_document_makes_the_json_reader_fail(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(DataError, match=reason):
        list(read_rows(str(path)))


def test_a_broken_document_is_located_by_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('[{"text": "a"},\n {"text": }]')
    assert fatal(path).location == Location(str(path), 2, 11)


def test_wrong_encoding_names_line_byte_and_column(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes('{"text": "a"}\n{"text": "caf\xe9"}\n'.encode("latin-1"))
    (problem,) = rejected(path)
    assert problem.render().splitlines() == [
        f"{path}:2:14: error[wrong-encoding]: byte 27 (0xe9) is not valid UTF-8",
        "  help: convert the file, for instance with  iconv -f CP1252 -t UTF-8 FILE",
    ]


@pytest.mark.parametrize("name", ["data.txt", "data.csv", "data.tsv"])
def test_wrong_encoding_spoils_only_its_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("text\na\ncaf\xe9\nb\n".encode("latin-1"))
    assert [row.values.get("text") for row in read_rows(str(path)) if row.values.get("text") != "text"] == [
        "a",
        None,
        "b",
    ]
    (problem,) = rejected(path)
    assert str(problem.location) == f"{path}:3:4"


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        ('{"text": "a"}\n'.encode("utf-16"), "UTF-16"),
        (gzip.compress(b'{"text": "a"}\n', mtime=0), "gzip"),
        (zstandard.compress(b'{"text": "a"}\n' * 99), "zstandard"),
    ],
)
def test_a_file_of_another_kind_is_recognised(tmp_path: Path, content: bytes, guess: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    assert guess in rejected(path)[0].message


def test_rows_with_too_many_or_too_few_cells_are_named(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('anchor,positive\na,b\n"x\ny",c,d\ne\nf,g\n')
    assert [problem.render().splitlines()[0] for problem in rejected(path)] == [
        f"{path}:3: error[wrong-cells]: 3 cells in this row, 2 columns in the header (anchor, positive)",
        f"{path}:5: error[wrong-cells]: 1 cells in this row, 2 columns in the header (anchor, positive)",
    ]


def test_a_quote_that_is_never_closed_is_named_where_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('anchor,positive\na,b\nc,"d\ne,f\ng,h\n')
    (problem,) = rejected(path)
    assert str(problem.location) == f"{path}:3"
    assert "never closed" in problem.message


def test_text_after_a_closing_quote_is_no_silent_merge(tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_text('anchor\tpositive\n"Yes" he said\tb\nc\td\n')
    rows = list(read_rows(str(path)))
    assert [row.location.line for row in rows] == [2, 3]
    assert rows[0].problem is not None
    assert rows[0].problem.code == "broken-csv"
    assert rows[1].values == {"anchor": "c", "positive": "d"}


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".csv.gz"])
def test_a_line_without_end_is_bounded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    good = b'{"text": "a"}\n' if "jsonl" in suffix else b"text\na\n"
    compress(path, good + b"x" * (65 << 20) + b"\n" + (good if "jsonl" in suffix else b"b\n"))
    rows = list(read_rows(str(path)))
    assert [row.problem.code if row.problem else None for row in rows] == [None, "long-line", None]


def test_a_sample_without_a_readable_row_shows_ten_problems(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("oops\n" * 30)
    with pytest.raises(DataError) as caught:
        sample_rows(str(path))
    assert len(caught.value.problems) == 10


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "txt", "parquet", "arrow", "feather"])
@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_no_damage_to_a_file_ends_in_another_error(tmp_path: Path, kind: str, compression: str) -> None:
    whole = write_table(tmp_path / f"whole.{kind}{compression}", [{"text": f"row {i}"} for i in range(40)]).read_bytes()
    path = tmp_path / f"damaged.{kind}{compression}"
    cuts: list[Callable[[int], bytes]] = [
        lambda at: whole[:at],
        lambda at: whole[:at] + b"\xff\x00" + whole[at + 2 :],
        lambda at: whole[:at] + whole[at + 7 :],
    ]
    for at in range(0, len(whole), max(1, len(whole) // 25)):
        for damage in cuts:
            path.write_bytes(damage(at))
            with suppress(EmbtuneError):
                list(read_rows(str(path)))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0, 2**50], pa.timestamp("s")),
        pa.array([1, 2], pa.timestamp("s", tz="No/Such")),
        pa.array([2**31 - 1], pa.date32()),
    ],
    ids=lambda column: str(column.type),
)
@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_dates_that_python_has_not_are_a_located_error(tmp_path: Path, suffix: str, column: pa.Array) -> None:
    table = pa.table({"text": ["a"] * len(column), "when": column})
    path = tmp_path / f"data.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    assert fatal(path).code == "corrupt-file"
