"""Data files of every kind: odd rows in sound files, sound rows in broken ones, and files that are none."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard
from fuzz_case import Case
from hypothesis import strategies as st
from odd_columns import columnar
from odd_retrieval import CONFIG, SOUND, retrieval_cases
from odd_rows import ODD_LINES, Row, json_bytes, json_lines, tables


def _delimited(rows: Sequence[Row], dialect: Mapping[str, object]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["text"]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, names, restval="", **dialect)  # type: ignore[arg-type]
    try:
        writer.writeheader()
        writer.writerows(rows)
    except csv.Error:  # an escape would be needed and there is none
        buffer.write("a,b\n")
    return buffer.getvalue().encode("utf-8", "surrogatepass")


DIALECTS = st.fixed_dictionaries({
    "delimiter": st.sampled_from([",", "\t", ";", "|"]), "quotechar": st.sampled_from(['"', "'"]),
    "doublequote": st.booleans(), "escapechar": st.sampled_from(["\\", None]),
    "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
    "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE, csv.QUOTE_NONNUMERIC]),
})  # fmt: skip


_SUFFIXES = ("jsonl", "json", "csv", "tsv", "txt", "ndjson")


@st.composite
def texts_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file of a text format: by the book, or with lines that do not belong there, or under another's name."""
    rows = draw(tables())
    suffix = draw(st.sampled_from(_SUFFIXES))
    if suffix in ("csv", "tsv") and draw(st.booleans()):
        content = _delimited(rows, draw(DIALECTS))
    elif suffix in ("csv", "tsv"):
        content = _delimited(rows, {"delimiter": "," if suffix == "csv" else "\t"})
    elif suffix == "json":
        content = json_bytes(
            draw(st.sampled_from([rows, {"data": rows}, {"rows": rows}, {"version": 1, "data": rows}]))
        )
    elif suffix == "txt":
        content = "\n".join(str(value) for row in rows for value in row.values()).encode("utf-8", "surrogatepass")
    else:
        content = json_lines(rows)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        lines = content.split(b"\n")
        lines.insert(draw(st.integers(0, len(lines))), draw(ODD_LINES))
        content = b"\n".join(lines)
    named = suffix if draw(st.integers(0, 9)) else draw(st.sampled_from([*_SUFFIXES, "parquet", "arrow", "xlsx", ""]))
    return f"data.{named}", _recoded(draw, content)


def _recoded(draw: st.DrawFn, content: bytes) -> bytes:
    ways = {
        "bom": lambda: b"\xef\xbb\xbf" + content,
        "utf16": lambda: content.decode("utf-8", "replace").encode("utf-16", "replace"),
        "latin": lambda: content.decode("utf-8", "replace").encode("latin-1", "replace"),
        "crlf": lambda: content.replace(b"\n", b"\r\n"),
        "cr": lambda: content.replace(b"\n", b"\r"),
    }  # fmt: skip
    way = draw(st.sampled_from([None] * 8 + list(ways)))
    return ways[way]() if way else content


@st.composite
def _packed(draw: st.DrawFn, file: tuple[str, bytes]) -> tuple[str, bytes]:
    """The file compressed, or under a name that says so, and perhaps damaged."""
    name, content = file
    way = draw(st.sampled_from([None] * 6 + [".gz", ".zst", "only .gz", "only .zst", "bomb"]))
    if way == "bomb":
        name, content = f"{name}.gz", gzip.compress(content + b"x" * draw(st.sampled_from([10**5, 10**6])), mtime=0)
    elif way and way.startswith("only "):
        name += way.removeprefix("only ")
    elif way:
        name, content = name + way, gzip.compress(content, mtime=0) if way == ".gz" else zstandard.compress(content)
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 3]))):
        at, width = draw(st.integers(0, len(content))), draw(st.integers(0, 9))
        content = content[:at] + draw(st.binary(max_size=6)) + content[at + width :]
    return name, content[: draw(st.integers(0, len(content)))] if not draw(st.integers(0, 11)) else content


LOSSES = (
    "MultipleNegativesRankingLoss",
    "CoSENTLoss",
    "TripletLoss",
    "BatchAllTripletLoss",
    "MSELoss",
    "ContrastiveLoss",
    "nothing",
)


@st.composite
def file_cases(draw: st.DrawFn) -> Case:
    """One file, and a command that reads it."""
    name, content = draw(_packed(draw(texts_files() | columnar())))
    loss = draw(st.sampled_from(LOSSES))
    config = (CONFIG % ("train", name, "eval", loss)).encode()
    words = draw(st.sampled_from([
        ("check-format", name), ("check-format", name), ("check-format", name, "--json"),
        ("check-format", name, "--loss", loss), ("check-format", name, "--fix", "out.jsonl"),
        ("check-format", name, "--fix", "-"), ("check-format", "-"), ("check-format", "c.yaml"),
        ("train", "c.yaml", "--dry-run"), ("train", "c.yaml"),
        ("train", "c.yaml", "--set", "data.on_bad_row=skip"), ("check-format", "link.jsonl"), ("check-format", "."),
    ]))  # fmt: skip
    links = (
        {"link.jsonl": draw(st.sampled_from([name, "link.jsonl", "nowhere", "/dev/null", "/dev/zero", "."]))}
        if "link.jsonl" in words
        else {}
    )
    return Case(words, {name: content, "c.yaml": config, "sound.jsonl": SOUND}, links, stdin=content)


def cases(root: Path) -> st.SearchStrategy[Case]:
    """Files of rows, mostly, and folders for retrieval."""
    return st.one_of(file_cases(), file_cases(), file_cases(), file_cases(), retrieval_cases())


IMPORTED: tuple[str, ...] = ()


def prepare(root: Path) -> None:
    """Nothing is needed."""
