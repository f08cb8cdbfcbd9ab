"""Which losses take which data, and why one does not."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.catalog.formats import ANY, FORMAT_NAMES, LABEL_WORDS, describe, describe_data, fits, label_fits, roles_fit
from embtune.catalog.registry import losses
from embtune.catalog.spec import Format, LabelKind, LossSpec, Need


def spec_fits(spec: LossSpec, roles: Sequence[str], label: LabelKind) -> bool:
    """Whether one of the loss's formats fits; a modifier fits whatever the loss inside it fits."""
    return spec.is_modifier or any(fits(format, roles, label) for format in spec.formats)


def model_wanted(spec: LossSpec, roles: Sequence[str], label: LabelKind) -> str | None:
    """The parameter, `guide` or `teacher`, that must name another model before the loss takes this data.

    None where it takes the data alone, or does not take it whatever the parameter names.
    """
    if spec_fits(spec, roles, label):
        return "guide" if Need.GUIDE in spec.needs else None
    return "teacher" if any(fits(way, roles, label) for way in spec.taught_formats) else None


def losses_fitting(roles: Sequence[str], label: LabelKind, specs: Sequence[LossSpec] | None = None) -> list[LossSpec]:
    """The losses among `specs`, by default all installed ones, that take this data, the most suitable first.

    Those made for its kind of label come before those that read it as another, then `by_merit` decides.
    """
    found = [spec for spec in losses(specs) if spec_fits(spec, roles, label)]
    return sorted(found, key=lambda spec: (all(format.label is not label for format in spec.formats), by_merit(spec)))


def by_merit(spec: LossSpec) -> tuple[bool, bool, bool, str]:
    """Sorts recommended losses first, those that any texts suit last, a loss before its presets, then by name."""
    return (not spec.recommended, ANY in spec.formats, spec.resolves_to is not None, spec.name)


def why_not(spec: LossSpec, roles: Sequence[str], label: LabelKind) -> str:
    """Why the loss does not take this data, as one sentence without a final stop; empty when it does.

    Names the first thing to change: the missing or surplus columns where only those differ, else what is wanted.
    """
    if spec_fits(spec, roles, label):
        return ""
    closest = min(spec.formats, key=lambda format: _distance(format, roles, label))
    if roles_fit(closest.roles, roles):
        made = any(fits(way, roles, label) for way in spec.taught_formats)
        wanted = f"{LABEL_WORDS[closest.label]} with these texts{', or teacher: MODEL to make it' if made else ''}"
        return f"{spec.name} needs {wanted}; the data has {LABEL_WORDS[label]}"
    return f"{spec.name} takes {what_it_takes(spec)}; the data has {describe_data(roles, label)}"


def what_it_takes(spec: LossSpec) -> str:
    """The formats of a loss in words: `pairs (anchor, positive) or triplets (anchor, positive, negative)`."""
    if spec.is_modifier:
        return "whatever the loss inside takes"
    taken = " or ".join(f"{FORMAT_NAMES.get(format, 'rows')} ({describe(format)})" for format in spec.formats)
    taught = " or ".join(FORMAT_NAMES[format] for format in spec.taught_formats)
    return f"{taken}, with teacher: MODEL also {taught}" if taught else taken


def _distance(format: Format, roles: Sequence[str], label: LabelKind) -> tuple[bool, bool]:
    return (not roles_fit(format.roles, roles), not label_fits(format.label, label))
