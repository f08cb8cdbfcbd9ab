"""Files as people have them, each against the rows that are meant: what is odd about a file never reaches a text."""

from __future__ import annotations

import datetime
import decimal
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from embtune.catalog import LabelKind
from embtune.data.examples import Examples, load_examples
from embtune.data.roles import detect_layout
from embtune.data.rows import read_rows, sample_rows

PAIRS = {"anchor": ["What is a cell?", "What is ice?"], "positive": ["The unit of life.", "Frozen water."]}
SENTENCES = {"sentence_A": ["A man eats.", "A dog runs."], "sentence_B": ["Someone eats.", "A cat sleeps."]}


@dataclass(frozen=True)
class Odd:
    """A file and what it means. labels: as the classes' names where they are such."""

    name: str
    write: Callable[[Path], object]
    texts: dict[str, list[str]]
    kind: LabelKind = LabelKind.NONE
    labels: tuple[object, ...] = ()


def content(text: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text.encode(encoding))


def parquet(table: pa.Table, **options: object) -> Callable[[Path], object]:
    return lambda path: pq.write_table(table, path, **options)


def stream(table: pa.Table) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with pa.ipc.new_stream(str(path), table.schema) as writer:
            writer.write_table(table)

    return write


def pairs(kind: pa.DataType) -> pa.Table:
    return pa.table({role: pa.array(texts, pa.string()).cast(kind) for role, texts in PAIRS.items()})


def labelled(labels: pa.Array) -> pa.Table:
    return pa.table({"sentence1": SENTENCES["sentence_A"], "sentence2": SENTENCES["sentence_B"], "label": labels})


CSV = "{}What is a cell?,The unit of life.{}What is ice?,Frozen water.{}"
NLI = "sentence1,sentence2,{}\nA man eats.,Someone eats.,{}\nA dog runs.,A cat sleeps.,{}\n"
INDEXED = ",question,answer\n0,What is a cell?,The unit of life.\n1,What is ice?,Frozen water.\n"
TABLE = [
    Odd("bom-and-spaces.csv", content("\ufeff" + CSV.format(" Question ,ANSWER  \n", "\n", "\n")), PAIRS),
    Odd("mixed-line-ends.csv", content(CSV.format("question,answer\r\n", "\n", "\r\n")), PAIRS),
    Odd("no-last-line-end.csv", content(CSV.format("question,answer\n", "\n", "")), PAIRS),
    Odd(
        "quoted-line-ends.csv",
        content('question,answer\n"a\nb","c\r\nd"\r\n"e, ""f""",g\n'),
        {"anchor": ["a\nb", 'e, "f"'], "positive": ["c\r\nd", "g"]},
    ),
    Odd("index-of-pandas.csv", content(INDEXED), PAIRS),
    Odd(
        "upper.CSV.GZ",
        lambda path: path.write_bytes(gzip.compress(CSV.format("question,answer\n", "\n", "\n").encode())),
        PAIRS,
    ),
    Odd(
        "two-members.csv.gz",
        lambda path: path.write_bytes(
            gzip.compress(b"question,answer\nWhat is a cell?,The unit of life.\n")
            + gzip.compress(b"What is ice?,Frozen water.\n")
        ),
        PAIRS,
    ),
    Odd("no-header.tsv", content("What is a cell?\tThe unit of life.\nWhat is ice?\tFrozen water.\n"), PAIRS),
    Odd(
        "scored-no-header.tsv",
        content("A man eats.\tSomeone eats.\t0.5\nA dog runs.\tA cat sleeps.\t0.25\n"),
        SENTENCES,
        LabelKind.SCORE,
        (0.5, 0.25),
    ),
    Odd(
        "array.json",
        content(
            '\ufeff[{"anchor": "What is a cell?", "positive": "The unit of life."},\r\n'
            ' {"anchor": "What is ice?", "positive": "Frozen water."}]'
        ),
        PAIRS,
    ),
    Odd("large-string.parquet", parquet(pairs(pa.large_string())), PAIRS),
    Odd("dictionary.parquet", parquet(pairs(pa.dictionary(pa.int8(), pa.string()))), PAIRS),
    Odd("binary.parquet", parquet(pairs(pa.binary())), PAIRS),
    Odd(
        "version-1.parquet",
        parquet(pairs(pa.string()), version="1.0", data_page_version="1.0", compression="gzip"),
        PAIRS,
    ),
    Odd("view.arrow", stream(pairs(pa.string_view())), PAIRS),
    Odd("dictionary.arrow", stream(pairs(pa.dictionary(pa.int32(), pa.large_string()))), PAIRS),
    Odd(
        "version-2.feather",
        lambda path: feather.write_feather(pairs(pa.string()), str(path), compression="zstd"),
        PAIRS,
    ),
    Odd(
        "decimal.parquet",
        parquet(labelled(pa.array([decimal.Decimal("0.50"), decimal.Decimal("0.25")]))),
        SENTENCES,
        LabelKind.SCORE,
        (0.5, 0.25),
    ),
    Odd("flags.parquet", parquet(labelled(pa.array([True, False]))), SENTENCES, LabelKind.BINARY, (1, 0)),
    Odd(
        "half.parquet", parquet(labelled(pa.array([0.5, 0.25], pa.float32()))), SENTENCES, LabelKind.SCORE, (0.5, 0.25)
    ),
    Odd("numbers-as-text.csv", content(NLI.format("score", " 0.5", "2.5e-1")), SENTENCES, LabelKind.SCORE, (0.5, 0.25)),
    Odd("flags-as-words.csv", content(NLI.format("label", "True", "False")), SENTENCES, LabelKind.BINARY, (1, 0)),
    Odd(
        "labels-as-words.csv",
        content(NLI.format("gold_label", "entailment", "neutral")),
        SENTENCES,
        LabelKind.CLASS,
        ("entailment", "neutral"),
    ),
    Odd("numbers-as-labels.csv", content(NLI.format("label", "1.0", "0.0")), SENTENCES, LabelKind.BINARY, (1, 0)),
    Odd(
        "list-as-text.csv",
        content('query,positive,negatives\nq,p,"[""n"", ""m""]"\nr,s,"[""o""]"\n'),
        {"anchor": ["q", "r"], "positive": ["p", "s"], "negative_1": ["n", "o"]},
    ),
    Odd(
        "lists.parquet",
        parquet(
            pa.table(
                {
                    "query": ["q", "r"],
                    "positive": ["p", "s"],
                    "negatives": pa.array([["n", "m"], ["o"]], pa.large_list(pa.large_string())),
                }
            )
        ),
        {"anchor": ["q", "r"], "positive": ["p", "s"], "negative_1": ["n", "o"]},
    ),
    Odd(
        "days.parquet",
        parquet(pairs(pa.string()).append_column("day", pa.array([datetime.date(2020, 1, 1)] * 2))),
        PAIRS,
    ),
]


def read(path: Path) -> Examples:
    return load_examples(read_rows(str(path)), detect_layout(sample_rows(str(path))), "odd")


@pytest.mark.parametrize("odd", TABLE, ids=lambda odd: odd.name)
def test_an_odd_file_gives_the_rows_that_are_meant(odd: Odd, tmp_path: Path) -> None:
    odd.write(tmp_path / odd.name)
    found = read(tmp_path / odd.name)
    assert {role: [found.text(row, role) for row in range(2)] for role in odd.texts} == odd.texts
    assert len(found) == 2
    assert found.label_kind is odd.kind
    if found.labels is not None:
        labels = [found.class_names[number] for number in found.labels] if found.class_names else found.labels.tolist()
        assert tuple(labels) == odd.labels
