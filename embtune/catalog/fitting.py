"""Which losses take which data, and why one does not."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.catalog.formats import FORMAT_NAMES, LABEL_WORDS, describe, describe_data, fits, label_fits, roles_fit
from embtune.catalog.registry import losses
from embtune.catalog.spec import Format, LabelKind, LossSpec


def spec_fits(spec: LossSpec, roles: Sequence[str], label: LabelKind) -> bool:
    """Whether one of the loss's formats fits; a modifier fits whatever the loss inside it fits."""
    return spec.is_modifier or any(fits(format, roles, label) for format in spec.formats)


def losses_fitting(roles: Sequence[str], label: LabelKind) -> list[LossSpec]:
    """The losses that take this data: those made for its kind of label first, then recommended ones, then by name."""
    found = [spec for spec in losses() if spec_fits(spec, roles, label)]
    return sorted(found, key=lambda spec: (not _is_exact(spec, label), not spec.recommended, spec.name))


def _is_exact(spec: LossSpec, label: LabelKind) -> bool:
    return any(format.label is label for format in spec.formats)


def why_not(spec: LossSpec, roles: Sequence[str], label: LabelKind) -> str:
    """Why the loss does not take this data, as one sentence without a final stop; empty when it does.

    Names the first thing to change: the missing or surplus columns where only those differ, else what is wanted.
    """
    if spec_fits(spec, roles, label):
        return ""
    closest = min(spec.formats, key=lambda format: _distance(format, roles, label))
    if roles_fit(closest.roles, roles):
        return f"{spec.name} needs {LABEL_WORDS[closest.label]} with these texts; the data has {LABEL_WORDS[label]}"
    wanted = " or ".join(f"{FORMAT_NAMES.get(format, 'rows')} ({describe(format)})" for format in spec.formats)
    return f"{spec.name} takes {wanted}; the data has {describe_data(roles, label)}"


def _distance(format: Format, roles: Sequence[str], label: LabelKind) -> tuple[bool, bool]:
    return (not roles_fit(format.roles, roles), not label_fits(format.label, label))
