"""The catalogue's properties in words, for lists, pages and tables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from embtune.catalog.formats import FORMAT_NAMES, describe
from embtune.catalog.spec import Coupling, Format, LossSpec, Need

NEED_WORDS: Mapping[Need, str] = MappingProxyType(
    {
        Need.NO_DUPLICATES: "no text twice in a batch (batch_sampler no_duplicates, which auto picks)",
        Need.GROUP_BY_LABEL: "two rows of each of two classes a batch (batch_sampler group_by_label, which auto picks)",
        Need.LARGE_BATCH: "a large batch: more negatives for each row, at no cost in memory",
        Need.TEACHER: "a teacher's values: as labels of the data, or from the model that `teacher` names",
        Need.GUIDE: "a guide model",
        Need.NUM_LABELS: "the number of classes, counted in the training data unless num_labels says it",
        Need.TWIN: "a second copy of the model, trained beside it and dropped at the end",
        Need.LAYERS: "a model with inner layers",
    }
)
COUPLING_WORDS: Mapping[Coupling, str] = MappingProxyType(
    {
        Coupling.BATCH: "batch: the rows of a batch are held against each other, so batch_size is part of the loss",
        Coupling.ROWS: "rows: each row counts for itself, in one forward pass",
    }
)
OF_THE_INNER_LOSS = "that of the loss inside"


def inputs(format: Format) -> str:
    """`anchor, positive, negative_1..n`."""
    return ", ".join(format.roles)


def format_line(format: Format) -> str:
    """`anchor, positive + label (score): pairs with a score`."""
    return f"{describe(format)}: {FORMAT_NAMES[format]}" if format in FORMAT_NAMES else describe(format)


def coupling(spec: LossSpec) -> str:
    """`batch`, `rows`, or `inner` for a modifier, which has that of the loss inside."""
    return "inner" if spec.coupling is None else spec.coupling.value


def needs(spec: LossSpec) -> tuple[str, ...]:
    """The words of the needs, in the order of the enumeration."""
    return tuple(need.value for need in Need if need in spec.needs)
