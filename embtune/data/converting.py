"""Rows of one format as rows of another: which way, with which settings, and the rows as they come out.

The columns of what is made are named as their roles, which every reader of embtune understands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn, cast

from embtune.catalog.conversions import RETRIEVAL, Conversion, Target, Way, find_way, formats_of, name_of, sources_of
from embtune.catalog.roles import LABEL_ROLE
from embtune.catalog.spec import Format, LabelKind
from embtune.config.words import OnBadRow
from embtune.data.bad_rows import BadRows, BadValueError
from embtune.data.conversions.step import Step
from embtune.data.conversions.tally import Tally, counted
from embtune.data.examples import Examples
from embtune.data.layout import Layout
from embtune.data.retrieval import RetrievalSet
from embtune.data.roles import declared_layout, detect_layout
from embtune.data.row import Row, Rows, refuse, stop
from embtune.data.row_reader import RowReader
from embtune.errors import Problem

_CODE = "embtune.data.conversions"


@dataclass(frozen=True)
class Wish:
    """What is to be made. options: the keys that were set, with their values; the others have their defaults."""

    to: Target
    options: Mapping[str, int | float]
    seed: int


@dataclass(frozen=True)
class Plan:
    """How rows are read and what is done to them. layout: None for a retrieval folder."""

    wish: Wish
    way: Way
    layout: Layout | None

    @property
    def options(self) -> dict[str, int | float]:
        """Every key that the way reads."""
        return {**self.way.options, **self.wish.options}

    def __str__(self) -> str:
        """`pairs with a score -> pairs with 1 or 0 (1 from a threshold on, 0 below), threshold 0.5`."""
        settings = "".join(f", {key} {value:g}" for key, value in self.options.items())
        return f"{self.way}{settings}"


@dataclass(frozen=True)
class Converted:
    """What a conversion did, when its last row has come out."""

    plan: Plan
    tally: Tally

    @property
    def sentence(self) -> str:
        """`12,480 triplets from 14,988 rows; 2,508 rows had no contradiction`."""
        return self.tally.sentence(name_of(self.plan.way.target))

    def record(self) -> dict[str, object]:
        """What was done and what was counted, as JSON values."""
        wish, way = self.plan.wish, self.plan.way
        done = {"to": wish.to.value, "steps": [step.how for step in way.steps], "options": self.plan.options}
        return {**done, "seed": wish.seed, **self.tally.record()}


def plan_rows(wish: Wish, sample: Sequence[Row], columns: Mapping[str, str] | None = None) -> Plan:
    """How rows like these become what is wished; where they can be read in several ways, one that leads there is taken.

    Args:
        columns: role to column, as declared; None detects them.

    Raises:
        ConfigError: roles that cannot be told, no way to what is wished, an option that has no effect.
        DataError: there is no row.
    """
    likeliest = _layout(sample, columns, None)
    sources = formats_of(likeliest.roles, likeliest.label)
    if sources[:1] == (wish.to.made,):
        refuse("cannot-convert", f"the data is {name_of(wish.to.made)} already", "convert it to another format")
    layout = _layout(sample, columns, sources_of(wish.to.made))
    way = find_way(formats_of(layout.roles, layout.label), wish.to.made)
    if way is None:
        _refuse_way(wish, str(layout))
    _check_options(wish, way)
    return Plan(wish, way, layout)


def plan_retrieval(wish: Wish) -> Plan:
    """How a retrieval folder becomes what is wished.

    Raises:
        ConfigError: there is no way, or an option has no effect.
    """
    way = find_way((RETRIEVAL,), wish.to.made)
    if way is None:
        _refuse_way(wish, name_of(RETRIEVAL))
    _check_options(wish, way)
    return Plan(wish, way, None)


def converted_rows(
    rows: Rows, plan: Plan, name: str, tally: Tally, on_bad_row: OnBadRow = OnBadRow.ERROR, remedy: str | None = None
) -> Rows:
    """The rows that are made, each with the place of the row it comes from.

    Args:
        name: of the data, for messages.
        tally: counts as the rows come out, and is whole after the last.
        remedy: what to do about bad rows, where it is not a key of the config.

    Raises:
        DataError: rows that cannot be used, or data that does not yield what is wanted.
    """
    assert plan.layout is not None, "rows have a layout"
    checked = _checked(rows, plan.layout, BadRows(name, on_bad_row), tally, remedy)
    return _finished(_through(checked, plan.way.steps, plan, tally), plan, tally)


def converted_examples(examples: Examples, plan: Plan, tally: Tally) -> Rows:
    """The same from rows that are in memory already, read by the plan's layout.

    Raises:
        DataError: they do not yield what is wanted.
    """
    tally.rows, tally.skipped = len(examples), examples.rows_skipped
    return _finished(_through(_rows_of(examples), plan.way.steps, plan, tally), plan, tally)


def converted_retrieval(data: RetrievalSet, plan: Plan, tally: Tally) -> Rows:
    """The rows that a retrieval folder makes.

    Raises:
        DataError: it does not yield what is wanted.
    """
    tally.rows = sum(map(len, data.qrels.values()))
    tally.skipped = data.rows_skipped
    first, *others = plan.way.steps
    made = _code(first)(data, Step(first.source, plan.options, plan.wish.seed, tally))
    return _finished(_through(made, others, plan, tally), plan, tally)


def layout_of(plan: Plan, roles: Sequence[str]) -> Layout:
    """How to read the rows that come out.

    Args:
        roles: their texts, or those of the target format, where no row is made yet.
    """
    label = plan.way.target.label
    label_column = None if label is LabelKind.NONE else LABEL_ROLE
    reasons = plan.layout.reasons if plan.layout else ()
    return Layout({role: role for role in roles}, label_column, label, reasons, (f"converted: {plan}",))


def roles_of_made(row: Row) -> tuple[str, ...]:
    """The roles of the texts of a row that was made."""
    return tuple(role for role in row.values if role != LABEL_ROLE)


def _layout(sample: Sequence[Row], columns: Mapping[str, str] | None, wanted: Sequence[Format] | None) -> Layout:
    return detect_layout(sample, wanted) if columns is None else declared_layout(columns, sample, wanted)


def _refuse_way(wish: Wish, found: str) -> NoReturn:
    sources = ", ".join(name_of(source) for source in sources_of(wish.to.made))
    message = f"no {name_of(wish.to.made)} can be made of this data ({found})"
    refuse("cannot-convert", message, f"they are made of {sources}; where it is one of these, declare the columns")


def _check_options(wish: Wish, way: Way) -> None:
    useless = [key for key in wish.options if key not in way.options]
    if useless:
        read = f"it reads {', '.join(way.options)}" if way.options else "it has no settings"
        refuse("no-effect", f"{useless[0]} has no effect on {way}", f"remove it; {read}")


def _through(rows: Rows, steps: Sequence[Conversion], plan: Plan, tally: Tally) -> Rows:
    for conversion in steps:
        step = Step(conversion.source, plan.options, plan.wish.seed, tally)
        rows = _code(conversion)(rows, step)
    return rows


def _code(conversion: Conversion) -> Callable[[object, Step], Rows]:
    """The function of a conversion, of rows or of a retrieval set, as its source says."""
    module, _, function = conversion.implementation.partition(":")
    return cast(Callable[[object, Step], Rows], getattr(import_module(f"{_CODE}.{module}"), function))


def _checked(rows: Rows, layout: Layout, bad: BadRows, tally: Tally, remedy: str | None) -> Rows:
    """The rows with their roles for columns, their cells checked and their labels cast."""
    reader = RowReader(layout)
    for row in rows:
        try:
            good = None if row.problem else _with_roles(row, reader)
        except BadValueError as error:
            bad.add(Problem(error.code, error.reason, row.location, error.hint))
            continue
        if good:
            tally.rows += 1
            yield good
        elif row.problem:
            bad.add(row.problem)
    tally.skipped = bad.count
    bad.check(tally.rows, (reader.labels and reader.labels.remark()) or remedy)


def _with_roles(row: Row, reader: RowReader) -> Row:
    texts, label = reader.read(row)
    values: dict[str, object] = dict(zip(reader.columns.roles(len(texts)), texts, strict=True))
    if reader.labels is not None:
        values[LABEL_ROLE] = label
    return Row(values, row.location)


def _rows_of(examples: Examples) -> Rows:
    """The rows with their roles for columns; a class by its name."""
    names = examples.class_names
    labels = examples.labels
    for number in range(len(examples)):
        texts = {role: examples.text(number, role) for role in examples.roles}
        values: dict[str, object] = {role: text for role, text in texts.items() if text is not None}
        if labels is not None:
            values[LABEL_ROLE] = names[int(labels[number])] if names else labels[number].item()
        yield Row(values, examples.location(number))


def _finished(rows: Rows, plan: Plan, tally: Tally) -> Rows:
    """The rows, counted; that there are any, and with both labels where these are 1 and 0, shows after the last."""
    labels = set()
    for row in rows:
        tally.made += 1
        labels.add(row.values.get(LABEL_ROLE))
        yield row
    made = name_of(plan.way.target)
    if not tally.made:
        reasons = "; ".join(tally.reasons())
        stop("cannot-convert", f"no {made} can be made of its {counted(tally.rows, 'row')}: {reasons}", None)
    if plan.way.target.label is LabelKind.BINARY and len(labels) == 1:
        message = f"all {tally.made:,} {made} would be labelled {labels.pop()}, and losses learn from 1 beside 0"
        stop("one-label", message, None, _other_label(plan))


def _other_label(plan: Plan) -> str:
    return "choose another threshold" if "threshold" in plan.options else "add pairs of the other label"
