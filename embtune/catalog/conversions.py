"""Which formats can be made from which others: names and words only, for advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embtune.catalog import formats
from embtune.catalog.fitting import by_merit
from embtune.catalog.formats import FORMAT_NAMES, roles_fit
from embtune.catalog.registry import losses
from embtune.catalog.spec import Format, LabelKind, LossSpec


@dataclass(frozen=True)
class Conversion:
    """A way from one format to another, and how it is done, in words."""

    source: Format
    target: Format
    how: str

    def __str__(self) -> str:
        """`pairs with 1 or 0 -> pairs (keep the pairs labelled 1)`."""
        return f"{FORMAT_NAMES[self.source]} -> {FORMAT_NAMES[self.target]} ({self.how})"


CONVERSIONS = (
    Conversion(formats.TEXT_CLASS, formats.PAIR, "pair texts of one class"),
    Conversion(formats.TEXT_CLASS, formats.TRIPLET, "two texts of one class and one of another"),
    Conversion(formats.PAIR_CLASS, formats.TRIPLET, "for one premise, an entailed text and a contradicted one"),
    Conversion(formats.PAIR_SCORE, formats.PAIR_BINARY, "1 from a threshold on, 0 below"),
    Conversion(formats.PAIR_SCORE, formats.PAIR, "keep the pairs from a threshold on"),
    Conversion(formats.PAIR_BINARY, formats.PAIR, "keep the pairs labelled 1"),
    Conversion(formats.PAIR_BINARY, formats.TRIPLET, "for one text, a partner labelled 1 and one labelled 0"),
    Conversion(formats.TEXT, formats.DAMAGED, "delete words at random"),
    Conversion(formats.TEXT, formats.SAME_PAIR, "each text beside itself"),
    Conversion(formats.TRIPLET, formats.PAIR, "leave out the negative"),
    Conversion(formats.N_TUPLE, formats.PAIR, "leave out the negatives"),
    Conversion(formats.N_TUPLE, formats.TRIPLET, "a row for each negative"),
)


def conversions_from(roles: Sequence[str], label: LabelKind) -> list[Conversion]:
    """The conversions whose source is exactly this data."""
    return [way for way in CONVERSIONS if way.source.label is label and roles_fit(way.source.roles, roles)]


def losses_after(
    conversion: Conversion, besides: Sequence[LossSpec] = (), specs: Sequence[LossSpec] | None = None
) -> list[LossSpec]:
    """The losses among `specs`, by default all installed ones, that take what the conversion makes, the best first.

    Those in `besides` are left out.
    """
    known = {spec.name for spec in besides}
    found = [spec for spec in losses(specs) if conversion.target in spec.formats and spec.name not in known]
    return sorted(found, key=by_merit)
