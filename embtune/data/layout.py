"""Which column of a dataset plays which role, and what its label is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from embtune.catalog.formats import ANY_ROLES, describe_data, roles_fit
from embtune.catalog.roles import LABEL_ROLE, LIST_ROLE, in_role_order, is_negative
from embtune.catalog.spec import Format, LabelKind
from embtune.data.columns import Column, columns_line
from embtune.data.label_kinds import LabelReading, label_readings
from embtune.data.row import Row, first_cells
from embtune.errors import ConfigError, Problem

_UNREAD = 8  # columns that are named as not read
_PAIRS = (
    {"anchor", "positive"},
    {"anchor", "negative"},
    {"sentence_A", "sentence_B"},
    {"text_1", "text_2"},
)
_PAIR_ROLES: Mapping[LabelKind, tuple[str, str]] = {
    LabelKind.NONE: ("anchor", "positive"),
    LabelKind.VECTOR: ("text_1", "text_2"),
}


@dataclass(frozen=True)
class Layout:
    """How rows are read.

    columns: canonical role -> column, in role order. The role `negatives` names a list-valued column.
    label_column: the label's column, None where there is no label (then `label` is NONE).
    reasons: one sentence for each role in order, then one for the label where there is one.
    notes: what else a person should know: columns that are not read, another reading that was possible.
    label_is_guess: the values of the label's column say that it is one, and its name does not.
    """

    columns: dict[str, str]
    label_column: str | None
    label: LabelKind
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()
    label_is_guess: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        """The canonical roles, in order."""
        return tuple(self.columns)

    def is_of(self, formats: Iterable[Format]) -> bool:
        """Whether it is one of the formats, the label of exactly that kind; `any` decides nothing."""
        telling = [format for format in formats if format.roles != (ANY_ROLES,)]
        return any(format.label is self.label and roles_fit(format.roles, self.roles) for format in telling)

    def table(self) -> list[tuple[str, str, str]]:
        """A row for each role, the label last: the role, its column, and why it is that."""
        columns = [*self.columns.items(), *([] if self.label_column is None else [(LABEL_ROLE, self.label_column)])]
        reasons = [reason.partition(": ")[2] for reason in self.reasons]  # behind "... is column ..."
        return [(role, column, why) for (role, column), why in zip(columns, reasons, strict=False)]

    @property
    def used(self) -> frozenset[str | None]:
        """The columns that are read."""
        return frozenset((*self.columns.values(), self.label_column))

    def declaration(self, label_column: str | None = None) -> str:
        """The line of YAML that declares it, with its own or another column as the label."""
        label = label_column or self.label_column
        return columns_line(self.columns | ({} if label is None else {LABEL_ROLE: label}))

    def __str__(self) -> str:
        """`anchor, positive + label (class)`."""
        return describe_data(self.roles, self.label)


@dataclass(frozen=True)
class Assignment:
    """Columns with roles, before the label's values are looked at.

    why: role -> reason; `label` is the label's key.
    label_is_guess: it was found by its values.
    """

    columns: Mapping[str, str]
    why: Mapping[str, str]
    label: Column | None = None
    notes: tuple[str, ...] = field(default=())
    label_is_guess: bool = False

    def layouts(self, profile: Mapping[str, Column]) -> list[Layout]:
        """The layouts this can be, one for each way to read the label, the likeliest first.

        Args:
            profile: all columns of the data.
        """
        columns = _numbered(self.columns)
        if self.label is None:
            return [self._layout(columns, LabelReading(LabelKind.NONE, ""))]
        negatives = profile.get(columns.get(LIST_ROLE, ""))
        return [self._layout(columns, reading) for reading in label_readings(self.label, tuple(columns), negatives)]

    def _layout(self, columns: Mapping[str, str], reading: LabelReading) -> Layout:
        why = dict(zip(columns, (self.why[role] for role in in_role_order(self.columns)), strict=True))
        named = _pair_roles(tuple(columns), reading.kind)
        reasons = [f"{named[role]} is column {column!r}: {why[role]}" for role, column in columns.items()]
        if self.label is not None:
            reasons.append(f"label is column {self.label.name!r}: {self.why['label']}, {reading.reason}")
        return Layout(
            columns={named[role]: column for role, column in columns.items()},
            label_column=None if self.label is None else self.label.name,
            label=reading.kind,
            reasons=tuple(reasons),
            notes=self.notes,
            label_is_guess=self.label_is_guess,
        )


def choose(
    candidates: Sequence[Layout], wanted: Sequence[Format] | None, all_columns: Iterable[str], row: Row
) -> Layout:
    """The first candidate of a wanted format, else the first of all, with a note on what was passed over.

    Args:
        row: to show where nothing can be decided.

    Raises:
        ConfigError: candidates of a wanted format have different columns as their label.
    """
    first = candidates[0]
    suiting = [layout for layout in candidates if wanted and layout.is_of(wanted)]
    chosen = suiting[0] if suiting else first
    _refuse_two_labels(suiting, row)
    notes = list(chosen.notes)
    if chosen is not first:
        notes.append(f"read as {chosen}, which the loss takes; without a loss it would be {first}")
    elif not wanted:
        notes += _other_readings(candidates)
    unread = [name for name in all_columns if name not in chosen.used]
    if unread:
        more = f" and {len(unread) - _UNREAD} more" if len(unread) > _UNREAD else ""
        notes.append(f"not read: {', '.join(unread[:_UNREAD])}{more}")
    return replace(chosen, notes=tuple(notes))


def _refuse_two_labels(suiting: Sequence[Layout], row: Row) -> None:
    """Of two columns that the loss could learn from, none is taken: whoever takes the wrong one is not told later."""
    labels = list(dict.fromkeys(layout.label_column for layout in suiting if layout.label_column is not None))
    if len(labels) > 1 and len({frozenset(layout.columns.items()) for layout in suiting}) == 1:
        named = " and ".join(map(repr, labels))
        hints = " or ".join(suiting[0].declaration(label) for label in reversed(labels))
        message = f"columns {named} could both be the label, and the loss could learn from either; {first_cells(row)}"
        raise ConfigError(Problem("several-labels", message, hint=f"declare which it is: {hints}"))


def _other_readings(candidates: Sequence[Layout]) -> list[str]:
    """Notes on the readings that leave nothing out and were passed over, and on how to have them."""
    chosen = candidates[0]
    others = [layout for layout in candidates[1:] if not layout.notes]
    same = dict.fromkeys(str(layout) for layout in others if layout.used == chosen.used)
    notes = [f"could also be read as {' or as '.join(same)}: a loss that takes that decides"] if same else []
    lines = dict.fromkeys((str(layout), layout.declaration()) for layout in others if layout.used != chosen.used)
    return notes + [f"could also be read as {reading}: for that, declare {line}" for reading, line in lines]


def _numbered(columns: Mapping[str, str]) -> dict[str, str]:
    """`columns` in role order, a lone negative called `negative` and several `negative_1..n` without gaps."""
    ordered = in_role_order(columns)
    negatives = [role for role in ordered if is_negative(role) and role != LIST_ROLE]
    names = {role: f"negative_{i}" for i, role in enumerate(negatives, start=1)} if len(negatives) > 1 else {}
    if len(negatives) == 1:
        names = {negatives[0]: "negative"}
    return {names.get(role, role): columns[role] for role in ordered}


def _pair_roles(roles: tuple[str, ...], label: LabelKind) -> dict[str, str]:
    """What the roles are called beside this label: two texts are a pair of sentences when a label judges them."""
    if roles == ("anchor",):
        return {"anchor": "text"}
    if set(roles) not in _PAIRS:
        return {role: role for role in roles}
    return dict(zip(roles, _PAIR_ROLES.get(label, ("sentence_A", "sentence_B")), strict=True))
