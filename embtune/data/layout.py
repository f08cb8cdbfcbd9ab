"""Which column of a dataset plays which role, and what its label is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from embtune.catalog.formats import ANY_ROLES, describe_data, roles_fit
from embtune.catalog.roles import LIST_ROLE, in_role_order, is_negative
from embtune.catalog.spec import Format, LabelKind
from embtune.data.columns import Column
from embtune.data.label_kinds import LabelReading, label_readings

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
    """

    columns: dict[str, str]
    label_column: str | None
    label: LabelKind
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """The canonical roles, in order."""
        return tuple(self.columns)

    def is_of(self, formats: Iterable[Format]) -> bool:
        """Whether it is one of the formats, the label of exactly that kind; `any` decides nothing."""
        telling = [format for format in formats if format.roles != (ANY_ROLES,)]
        return any(format.label is self.label and roles_fit(format.roles, self.roles) for format in telling)

    def __str__(self) -> str:
        """`anchor, positive + label (class)`."""
        return describe_data(self.roles, self.label)


@dataclass(frozen=True)
class Assignment:
    """Columns with roles, before the label's values are looked at.

    why: role -> reason; `label` is the label's key.
    """

    columns: Mapping[str, str]
    why: Mapping[str, str]
    label: Column | None = None
    notes: tuple[str, ...] = field(default=())

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
        )


def choose(candidates: Sequence[Layout], wanted: Sequence[Format] | None, all_columns: Iterable[str]) -> Layout:
    """The first candidate of a wanted format, else the first of all, with a note on what was passed over."""
    first = candidates[0]
    chosen = next((layout for layout in candidates if wanted and layout.is_of(wanted)), first)
    notes = list(chosen.notes)
    if chosen is not first:
        notes.append(f"read as {chosen}, which the loss takes; without a loss it would be {first}")
    elif not wanted:
        notes += _other_readings(candidates)
    used = {*chosen.columns.values(), chosen.label_column}
    unread = [name for name in all_columns if name not in used]
    if unread:
        notes.append(f"not read: {', '.join(unread)}")
    return replace(chosen, notes=tuple(notes))


def _other_readings(candidates: Sequence[Layout]) -> list[str]:
    """One note on the readings that leave nothing out and were passed over, if there are any."""
    others = dict.fromkeys(str(layout) for layout in candidates[1:] if not layout.notes)
    if not others:
        return []
    return [f"could also be read as {' or as '.join(others)}, for a loss that takes that"]


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
