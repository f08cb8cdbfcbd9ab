"""`embtune label`: a teacher's embeddings, margins or scores, written beside the rows that they are of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from embtune.catalog import Catalogue, LabelKind, LossSpec, installed
from embtune.catalog.fitting import by_merit
from embtune.catalog.listing import asked_specs
from embtune.catalog.taught import LABEL_COLUMNS
from embtune.config.tree import COMMAND_LINE
from embtune.data.parts import check_parts_output, parts_of
from embtune.data.row import Row
from embtune.data.rows import STDIN
from embtune.data.writers.sink import Values
from embtune.data.writing import STDOUT, row_writer
from embtune.errors import DataError, Location, Problem, UsageError
from embtune.pipeline.collecting import located_at
from embtune.pipeline.label_data import Unlabelled, check_prompts, check_rows, label_form, read_unlabelled, rehearse
from embtune.pipeline.teacher_labels import LabelForm
from embtune.pipeline.teachers import Teacher, load_teacher
from embtune.report.progress import Advance, Progress

PART_ROWS = 4096  # few enough to lose little when the work is ended, and enough to sort texts by length


@dataclass(frozen=True)
class LabelOrder:
    """What is labelled, and how it is written.

    model: of the teacher: anything `model.name_or_path` can be, the directory of a run, or a cross-encoder.
    loss: name of the loss that reads the labels.
    out: one file, or a folder for a name without an ending; `-` for JSON Lines on standard output.
    columns: role to column, None where they are found. prompts: role to prompt, of a teacher that embeds.
    """

    data: str
    model: str
    loss: str
    out: str
    columns: Mapping[str, str] | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    part_rows: int = PART_ROWS


@dataclass(frozen=True)
class LabelReport:
    """What was done. found: rows that an earlier call had labelled. columns: what to declare of the output, if any."""

    loss: str
    label: LabelKind
    column: str
    rows: int
    found: int
    columns: Mapping[str, str] | None

    def record(self) -> dict[str, object]:
        """As JSON has it."""
        declared = None if self.columns is None else dict(self.columns)
        counts = {"rows": self.rows, "rows_found": self.found}
        return {"loss": self.loss, "label": self.label.value, "column": self.column, "columns": declared, **counts}

    def summary(self) -> str:
        """One line for people."""
        words = {LabelKind.VECTOR: "embeddings", LabelKind.MARGIN: "margins", LabelKind.SCORES: "scores"}
        before = f"; {self.found:,} of them were there from before" if self.found else ""
        return f"{self.rows:,} rows with {words[self.label]} in column {self.column!r}, for {self.loss}{before}"


def run_labelling(
    order: LabelOrder, progress: Progress, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None
) -> LabelReport:
    """Label all rows and write them with every column that they have.

    Work that was ended goes on: rows that are labelled stay as they are, and the output appears when it is whole.

    Raises:
        EmbtuneError: data, loss, model or output cannot be used. What can be found out before the model is read, is.
    """
    if order.out != STDOUT:
        check_parts_output(Path(order.out))
    spec, catalogue = _loss(order.loss)
    with located_at("<stdin>" if order.data == STDIN else order.data):
        data = read_unlabelled(order.data, spec, order.columns, stdin)
        form = label_form(data, spec)
        check_prompts(order.prompts, data)
        with progress.stage("reading the rows"):
            total = check_rows(data)
        rehearse(data, spec, catalogue, form, order.out)
    with progress.stage(f"loading the teacher {order.model}"):
        teacher = load_teacher(order.model, order.prompts, form.kind is LabelKind.VECTOR)
    with progress.stage("labelling", total) as advance:
        work = _Work(data, form, teacher, order.part_rows, advance)
        rows, found = work.to_stream(stdout) if order.out == STDOUT else work.to_parts(Path(order.out))
    column = LABEL_COLUMNS[form.kind]
    return LabelReport(spec.name, form.kind, column, rows, found, data.columns_with(column))


def _loss(name: str) -> tuple[LossSpec, Catalogue]:
    """The loss of that name, and the catalogue with it.

    Raises:
        ConfigError: there is none. UsageError: no teacher labels anything for it.
    """
    with located_at(COMMAND_LINE):
        specs = asked_specs(name, Path(), installed())
    catalogue = installed().joined(specs)
    taught = next((spec for spec in specs if spec.taught_formats), None)
    if taught is None:
        names = ", ".join(spec.name for spec in sorted(catalogue.losses(), key=by_merit) if spec.taught_formats)
        message = f"{specs[0].name} reads no labels of a teacher"
        raise UsageError(Problem("no-teacher", message, Location(COMMAND_LINE), f"losses that do: {names}"))
    return taught, catalogue


@dataclass(frozen=True)
class _Work:
    """Labelling, a part of the rows at a time."""

    data: Unlabelled
    form: LabelForm
    teacher: Teacher
    part_rows: int
    advance: Advance

    def to_stream(self, stdout: BinaryIO | None) -> tuple[int, int]:
        """Write JSON Lines: the number of rows, and that of those which were there."""
        with row_writer(STDOUT, stdout) as sink:
            for part in self._parts():
                for values in self._labelled(part):
                    sink.write(values)
                self.advance(len(part))
        return sink.count, 0

    def to_parts(self, out: Path) -> tuple[int, int]:
        """Write what is not there yet, and make the output of it; counts as `to_stream`.

        Raises:
            DataError: rows that were labelled before have changed.
        """
        rows = found = 0
        with parts_of(out, self._identity()) as parts:
            known = [] if parts is None else list(parts.digests)
            for number, part in enumerate(self._parts()):
                digest = _digest(part)
                if parts is None or number < len(known):
                    _check_same(parts is None or digest == known[number], part[0])
                    found += len(part)
                else:
                    parts.write(self._labelled(part), digest)
                rows += len(part)
                self.advance(len(part))
            if parts is not None:
                parts.finish()
        return rows, found

    def _parts(self) -> Iterator[list[Row]]:
        while part := list(islice(self.data.rows, self.part_rows)):
            yield part

    def _labelled(self, part: Sequence[Row]) -> Iterator[Values]:
        labels = self.form.labels([self.data.texts(row) for row in part], self.teacher)
        column = LABEL_COLUMNS[self.form.kind]
        return ({**row.values, column: label} for row, label in zip(part, labels, strict=True))

    def _identity(self) -> Mapping[str, object]:
        """Everything that decides the labels, but for the rows."""
        said = {"columns": self.data.layout.columns, "label": self.form.kind.value}
        return {**self.teacher.identity(), **said, "rows in a part": self.part_rows}


def _digest(part: Sequence[Row]) -> str:
    """32 hexadecimal digits of the content of some rows."""
    digest = blake2b(digest_size=16)
    for row in part:
        digest.update(json.dumps(row.values, default=str).encode() + b"\n")
    return digest.hexdigest()


def _check_same(is_same: bool, first: Row) -> None:
    if not is_same:
        message = "rows from here on were labelled before, and have changed since"
        hint = "Remove the parts beside the output, or write to another place."
        raise DataError(Problem("rows-changed", message, first.location, hint))
