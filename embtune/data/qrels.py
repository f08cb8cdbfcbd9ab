"""Relevance judgements of a retrieval set: query id, document id and score, separated by tabs or as columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embtune.data.bad_rows import BadRows
from embtune.data.readers.formats import FileFormat, compression_of, file_kind
from embtune.data.readers.lines import Line, read_lines
from embtune.data.readers.streams import open_bytes
from embtune.data.row import refuse
from embtune.data.rows import read_rows
from embtune.errors import Location, Problem

_EXAMPLE = "a line is query id, document id and score, separated by tabs, as in BEIR"

_COLUMNS = ("query-id", "corpus-id", "score")
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")  # as `datasets` numbers the files of a split


@dataclass(frozen=True)
class Judgement:
    """One line of a qrels file."""

    query: str
    document: str
    score: int
    location: Location


def qrels_files(folder: Path) -> dict[str, Path]:
    """The judgements of each split of a retrieval folder, by the split's name: `test` of `test.tsv` or of a shard."""
    kinds = {path: file_kind(path.name) for path in sorted((folder / "qrels").iterdir()) if path.is_file()}
    found = [path for path, kind in kinds.items() if kind and kind.format is not FileFormat.TXT]
    return {_SHARD.sub("", path.name.partition(".")[0]): path for path in found}


def find_qrels(folder: Path, split: str | None) -> Path:
    """The judgements of a split; of the only one where `split` is None.

    Raises:
        ConfigError: there is none, or there are several to choose from.
    """
    files = qrels_files(folder)
    names = ", ".join(files)
    if not files:
        refuse("missing-qrels", f"no judgements in {folder / 'qrels'}", "a split is a file such as qrels/dev.tsv")
    if split is None and len(files) > 1:
        hint = f"name the file instead of the folder, as in {next(iter(files.values()))}"
        refuse("several-splits", f"{folder} has judgements for several splits: {names}", hint)
    if split is not None and split not in files:
        refuse("missing-qrels", f"{folder} has no split {split!r}", f"there are: {names}")
    return files[split or next(iter(files))]


def read_qrels(path: Path, bad: BadRows) -> Iterator[Judgement]:
    """All judgements of a file, tsv with or without a header line; lines that are none go to `bad`."""
    kind = file_kind(path.name)
    if kind and kind.format is not FileFormat.TSV:
        yield from _of_rows(path, bad)
        return
    name = str(path)
    with open_bytes(path, compression_of(path.name), name) as stream:
        for line in read_lines(stream):
            location = Location(name, line.number)
            cells = line.text.rstrip("\r\n").split("\t")
            if line.text.isspace() or _is_header(line, cells):
                continue
            found = _judgement(line, cells, location)
            if isinstance(found, Problem):
                bad.add(found)
            else:
                yield found


def _of_rows(path: Path, bad: BadRows) -> Iterator[Judgement]:
    """The judgements of a file with named columns, as MTEB has them."""
    for row in read_rows(str(path)):
        cells = [row.values.get(name) for name in _COLUMNS]
        score = None if isinstance(cells[2], bool) else _integer(str(cells[2]))
        if row.problem is None and score is not None and None not in cells:
            yield Judgement(str(cells[0]), str(cells[1]), score, row.location)
        else:
            found = f"expected {', '.join(_COLUMNS)} with a whole number as score"
            bad.add(row.problem or Problem("bad-judgement", found, row.location, _EXAMPLE))


def _is_header(line: Line, cells: list[str]) -> bool:
    return line.number == 1 and len(cells) == 3 and _integer(cells[2]) is None and cells[2].strip().isidentifier()


def _judgement(line: Line, cells: list[str], location: Location) -> Judgement | Problem:
    if line.fault:
        return Problem(line.fault.code, line.fault.message, location, line.fault.hint)
    if len(cells) != 3:
        return Problem("wrong-cells", f"{len(cells)} cells in this line, expected 3", location, _EXAMPLE)
    score = _integer(cells[2])
    if score is None:
        return Problem("bad-score", f"the score {cells[2]!r} is no whole number", location, _EXAMPLE)
    return Judgement(cells[0], cells[1], score, location)


def _integer(text: str) -> int | None:
    try:
        number = float(text)
        return int(number) if number.is_integer() else None
    except (ValueError, OverflowError):
        return None
