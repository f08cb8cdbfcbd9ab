"""The rows that a teacher labels: found, checked, and held against the loss before any model is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NoReturn

from embtune.catalog import Catalogue, LabelKind, LossSpec
from embtune.catalog.fitting import what_it_takes
from embtune.catalog.roles import LABEL_ROLE, in_role_order, is_negative, is_numbered_text
from embtune.catalog.taught import LABEL_COLUMNS, taught_label
from embtune.config.sections.data import name_of
from embtune.config.words import OnBadRow
from embtune.data.bad_rows import BadRows, BadValueError
from embtune.data.columns import columns_line
from embtune.data.layout import Layout
from embtune.data.parts import is_file_name
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row, Rows
from embtune.data.rows import SAMPLE_ROWS, STDIN, read_rows, readable_rows
from embtune.data.texts import TextColumns
from embtune.data.writing import STDOUT, row_writer
from embtune.errors import ConfigError, DataError, Problem
from embtune.pipeline.data_report import RowSource, report_on
from embtune.pipeline.teacher_labels import LabelForm, Texts


@dataclass(frozen=True)
class Unlabelled:
    """Rows of texts, to be read once.

    declared: the columns that the user named, None where they were found.
    """

    path: str
    rows: Rows
    sample: Sequence[Row]
    layout: Layout
    declared: Mapping[str, str] | None

    def texts(self, row: Row) -> Texts:
        """The texts of a row, in the order of the roles.

        Raises:
            DataError: it cannot be used.
        """
        problem, texts = _read(row, TextColumns(self.layout.columns))
        if problem is not None:
            raise DataError(problem)
        return texts

    def columns_with(self, label: str) -> dict[str, str] | None:
        """What to declare of the labelled data, where anything has to be."""
        return None if self.declared is None else {**self.declared, LABEL_ROLE: label}


def read_unlabelled(
    path: str, spec: LossSpec, columns: Mapping[str, str] | None, stdin: BinaryIO | None = None
) -> Unlabelled:
    """Look at the first rows, and find the roles of their texts.

    Args:
        path: file, glob, folder, hub id, or `-` for standard input.
        spec: of the loss that labels are made for.
        columns: role to column, as declared.

    Raises:
        ConfigError: there is no such data, its roles cannot be told, or the loss takes no such texts.
        DataError: no row can be read.
    """
    rows = read_rows(path, stdin=stdin)
    head = list(islice(rows, SAMPLE_ROWS))
    sample = readable_rows(head)
    if columns is None:
        layout = detect_layout(sample, spec.taught_formats)
    else:
        layout = declared_layout(columns, sample, spec.taught_formats)
    if layout.label is not LabelKind.NONE or taught_label(spec, layout.roles) is None:
        _refuse_texts(spec, layout)
    return Unlabelled(path, chain(head, rows), sample, layout, columns)


def check_rows(data: Unlabelled) -> int | None:
    """Read all rows once, so that none of them stops the work later: how many there are. None for standard input.

    Raises:
        DataError: rows that cannot be used; the first ten, and how many in all.
    """
    if data.path == STDIN:
        return None
    columns, bad, total = TextColumns(data.layout.columns), BadRows(name_of(data.path), OnBadRow.ERROR), 0
    for row in read_rows(data.path):
        total += 1
        problem, _ = _read(row, columns)
        if problem is not None:
            bad.add(problem)
    remark = "correct them, or leave them out: embtune check-format DATA --fix OUT writes those that can be used"
    bad.check(total - bad.count, remark)
    return total


def label_form(data: Unlabelled, spec: LossSpec) -> LabelForm:
    """What the labels of these rows are."""
    kind = taught_label(spec, data.layout.roles)
    assert kind is not None, "the texts were held against the loss"
    declared = in_role_order(data.declared or ())
    # two texts without a label are read as a pair; who declares text_1 and text_2 means two texts
    return LabelForm(kind, declared if all(map(is_numbered_text, declared)) and declared else data.layout.roles)


def check_prompts(prompts: Mapping[str, str], data: Unlabelled) -> None:
    """Refuse prompts that would be put before nothing.

    Raises:
        ConfigError: no text has the role.
    """
    roles = data.layout.roles
    unused = [
        role for role in prompts if not any(role == own or (is_negative(role) and is_negative(own)) for own in roles)
    ]
    if unused:
        message = f"no text is a {unused[0]!r}, so its prompt would stand before nothing"
        raise ConfigError(Problem("wrong-role", message, None, f"The texts are {', '.join(roles)}."))


def rehearse(data: Unlabelled, spec: LossSpec, catalogue: Catalogue, form: LabelForm, out: str) -> None:
    """Write the first rows with made-up labels, and read them as the loss will.

    Raises:
        ConfigError: the loss would not take them. UsageError: the format of the output has no place for them.
    """
    label, sample = LABEL_COLUMNS[form.kind], data.sample
    if any(label in row.values for row in sample):
        message = f"the data has a column {label!r} already, which is what the labels' column is called"
        raise ConfigError(Problem("column-there", message, None, "Rename or leave out that column."))
    stand_ins = form.stand_ins([data.texts(row) for row in sample])
    with TemporaryDirectory() as folder:
        path = Path(folder) / _name_like(out)
        with row_writer(path) as sink:
            for row, stand_in in zip(sample, stand_ins, strict=True):
                sink.write({**row.values, label: stand_in})
        source = RowSource(out, out, read_rows(str(path)), data.columns_with(label))
        report = report_on(source, [spec], catalogue)
    wrong = [verdict.reason for verdict in report.asked if not verdict.fits]
    if wrong:
        declared = columns_line(data.layout.columns).removeprefix("columns: ")
        hint = f"Say which columns the texts are, --columns {declared!r}, and declare them in the config too."
        raise ConfigError(Problem("label-not-read", f"the labelled data would be misread: {wrong[0]}", None, hint))


def _name_like(out: str) -> str:
    """A file of the same format."""
    if out == STDOUT:
        return "rows.jsonl"
    return Path(out).name if is_file_name(Path(out)) else "rows.parquet"


def _read(row: Row, columns: TextColumns) -> tuple[Problem | None, Texts]:
    if row.problem is not None:
        return row.problem, ()
    try:
        return None, columns.read(row.values)
    except BadValueError as error:
        return Problem(error.code, error.reason, row.location, error.hint), ()


def _refuse_texts(spec: LossSpec, layout: Layout) -> NoReturn:
    message = f"{spec.name} takes {what_it_takes(spec)}; the data has {layout}"
    hint = "Declare the texts that it shall read: --columns '{text: COLUMN}', or text_1, text_2 and so on."
    if {"anchor", "positive"} <= set(layout.roles):
        hint = "Passages that are no answers are what it compares: embtune mine finds them."
    raise ConfigError(Problem("loss-does-not-fit", message, None, hint))
