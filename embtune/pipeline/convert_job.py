"""`convert`: data of one format into a file of another."""

from __future__ import annotations

from itertools import chain, islice
from typing import BinaryIO

from embtune.config.sections.data import DatasetConfig
from embtune.data.conversions.tally import Tally
from embtune.data.converting import (
    Converted,
    Plan,
    Wish,
    converted_retrieval,
    converted_rows,
    plan_retrieval,
    plan_rows,
)
from embtune.data.retrieval import is_retrieval_folder, load_retrieval
from embtune.data.row import Rows
from embtune.data.rows import SAMPLE_ROWS, STDIN, read_rows, readable_rows
from embtune.data.writing import check_output, row_writer
from embtune.pipeline.collecting import located_at

_REMEDY = "correct them, or leave them out first: embtune check-format DATA --fix GOOD.jsonl"


def convert_data(data: DatasetConfig, seed: int, out: str, stdin: BinaryIO, stdout: BinaryIO) -> Converted:
    """Convert a file, glob, folder, hub dataset, retrieval folder or standard input, and write what comes of it.

    Args:
        data: its `convert` says what is made.
        out: a file, whose name says the format, or `-`.

    Raises:
        UsageError: `out` cannot be written, by its name or place.
        ConfigError, DataError: the data cannot be read, or does not yield what is wanted.
        RunError: the disk is full, or not to be written to.
    """
    assert data.convert is not None, "the command has --to"
    check_output(out)
    wish, tally = Wish(data.convert.to, data.convert.options(), seed), Tally()
    with located_at("<stdin>" if data.path == STDIN else data.path):
        plan, rows = _opened(data, wish, tally, stdin)
        with row_writer(out, stdout) as sink:
            for row in rows:
                sink.write(row.values)
    return Converted(plan, tally)


def _opened(data: DatasetConfig, wish: Wish, tally: Tally, stdin: BinaryIO) -> tuple[Plan, Rows]:
    if data.path != STDIN and is_retrieval_folder(data.path):
        plan = plan_retrieval(wish)
        return plan, converted_retrieval(load_retrieval(data.path), plan, tally)
    rows = read_rows(data.path, stdin=stdin)
    head = list(islice(rows, SAMPLE_ROWS))
    plan = plan_rows(wish, readable_rows(head), data.columns)
    return plan, converted_rows(chain(head, rows), plan, data.name, tally, remedy=_REMEDY)
