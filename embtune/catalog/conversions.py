"""Which formats can be made from which others, how, and by which code. Torch-free: names and words only.

A conversion is one row of `CONVERSIONS`. What no single one does, a chain of them does: `find_way` gives the shortest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from embtune.catalog import formats
from embtune.catalog.fitting import by_merit
from embtune.catalog.formats import FORMAT_NAMES, roles_fit
from embtune.catalog.registry import losses
from embtune.catalog.roles import LIST_ROLE
from embtune.catalog.spec import Format, LabelKind, LossSpec

LIST = Format(("anchor", "positive", LIST_ROLE))  # n-tuples whose negatives are one column of lists
RETRIEVAL = Format(("queries", "corpus", "qrels"))  # a folder of the BEIR layout, which is no rows

_NAMES: Mapping[Format, str] = MappingProxyType(
    {**FORMAT_NAMES, LIST: "n-tuples with a list of negatives", RETRIEVAL: "a retrieval folder"}
)


class Target(StrEnum):
    """The words for what can be made."""

    PAIRS = "pairs"
    TRIPLETS = "triplets"
    N_TUPLES = "n-tuples"  # a column for each negative
    LIST = "list"  # one column with the list of negatives
    BINARY = "binary"
    DAMAGED = "damaged"

    @property
    def made(self) -> Format:
        """What the word stands for."""
        return _FORMATS[self]


_FORMATS: Mapping[Target, Format] = MappingProxyType(
    {
        Target.PAIRS: formats.PAIR,
        Target.TRIPLETS: formats.TRIPLET,
        Target.N_TUPLES: formats.N_TUPLE,
        Target.LIST: LIST,
        Target.BINARY: formats.PAIR_BINARY,
        Target.DAMAGED: formats.DAMAGED,
    }
)


@dataclass(frozen=True)
class Conversion:
    """One step from a format to another.

    how: in words. implementation: `module:function` under `embtune.data.conversions`. options: the keys it reads, with
    their defaults. final: what it makes is for losses alone, and no step to another format.
    """

    source: Format
    target: Format
    how: str
    implementation: str
    options: Mapping[str, int | float] = field(default_factory=dict, hash=False)
    final: bool = False


# the first of equally long chains is taken
CONVERSIONS = (
    Conversion(formats.TEXT_CLASS, formats.PAIR, "pair texts of one class", "class_texts:pairs", {"positives": 1}),
    Conversion(
        formats.TEXT_CLASS, formats.TRIPLET, "two texts of one class and one of another",
        "class_texts:triplets", {"positives": 1, "negatives": 1},
    ),
    Conversion(
        formats.PAIR_CLASS, formats.PAIR_BINARY, "1 where entailed, 0 where contradicted, neutral ones left out",
        "inference:binary",
    ),
    Conversion(
        formats.PAIR_SCORE, formats.PAIR_BINARY, "1 from a threshold on, 0 below", "scores:binary", {"threshold": 0.5}
    ),
    Conversion(formats.PAIR_BINARY, formats.PAIR, "keep the pairs labelled 1", "binary_pairs:pairs"),
    Conversion(
        formats.PAIR_BINARY, formats.TRIPLET, "for one text, a partner labelled 1 and one labelled 0",
        "binary_pairs:triplets", {"negatives": 1},
    ),
    Conversion(RETRIEVAL, formats.PAIR, "each query beside each of its documents", "retrieval:pairs"),
    Conversion(
        RETRIEVAL, formats.TRIPLET, "a query, one of its documents and one of no relevance",
        "retrieval:triplets", {"negatives": 1},
    ),
    Conversion(
        RETRIEVAL, formats.N_TUPLE, "a query, one of its documents and some of no relevance",
        "retrieval:n_tuples", {"negatives": 5},
    ),
    Conversion(formats.TEXT, formats.DAMAGED, "delete words at random", "plain_texts:damaged_texts", {"ratio": 0.6}),
    Conversion(formats.TEXT, formats.PAIR, "each text beside itself, for dropout to tell apart", "plain_texts:pairs"),
    Conversion(
        formats.TEXT, formats.PAIR_BINARY, "each text beside itself, 1, and beside others, 0",
        "plain_texts:same_or_different", {"negatives": 7}, final=True,
    ),
    Conversion(formats.TRIPLET, formats.PAIR, "leave out the negative", "tuples:pairs"),
    Conversion(formats.N_TUPLE, formats.PAIR, "leave out the negatives", "tuples:pairs"),
    Conversion(formats.N_TUPLE, formats.TRIPLET, "a row for each negative", "tuples:triplets"),
    Conversion(formats.N_TUPLE, LIST, "all negatives in one column", "tuples:as_list"),
    Conversion(LIST, formats.N_TUPLE, "a column for each negative", "tuples:as_columns"),
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One conversion, or a chain of them."""

    steps: tuple[Conversion, ...]

    @property
    def target(self) -> Format:
        """What comes out at its end."""
        return self.steps[-1].target

    @property
    def to(self) -> Target:
        """The word for it, as in `embtune convert DATA --to pairs`."""
        return next(word for word, format in _FORMATS.items() if format == self.target)

    @property
    def options(self) -> dict[str, int | float]:
        """The keys that its steps read, with their defaults."""
        return {key: value for step in self.steps for key, value in step.options.items()}

    def __str__(self) -> str:
        """`pairs with 1 or 0 -> pairs (keep the pairs labelled 1)`."""
        names = [name_of(self.steps[0].source), *(name_of(step.target) for step in self.steps)]
        return f"{' -> '.join(names)} ({', then '.join(step.how for step in self.steps)})"


def name_of(format: Format) -> str:
    """A format in words, those that only conversions know too."""
    return _NAMES[format]


def formats_of(roles: Sequence[str], label: LabelKind) -> tuple[Format, ...]:
    """What data is to the conversions; the first is the closest. A list of negatives is an n-tuple too."""
    sources = dict.fromkeys(format for way in CONVERSIONS for format in (way.source, way.target))
    found = [each for each in sources if each.label is label and roles_fit(each.roles, roles)]
    if formats.TRIPLET in found:  # a lone negative is told as an n-tuple too
        return (formats.TRIPLET,)
    if formats.N_TUPLE in found:
        return (LIST, formats.N_TUPLE) if LIST_ROLE in roles else (formats.N_TUPLE,)
    return tuple(found)


def find_way(sources: Sequence[Format], target: Format) -> Way | None:
    """The shortest chain from data of these formats to another format; None where there is none."""
    return next((way for way in _ways(sources) if way.target == target), None)


def sources_of(target: Format) -> list[Format]:
    """The formats that lead to `target`, in the order of the table."""
    found = dict.fromkeys(way.source for way in CONVERSIONS)
    return [source for source in found if source != target and find_way((source,), target)]


def conversions_from(roles: Sequence[str], label: LabelKind) -> list[Way]:
    """What is worth making of this data, each in the shortest way.

    Pairs of copies are left out: the losses that learn from them make them anew in every step.
    """
    return [way for way in _ways(formats_of(roles, label)) if not way.steps[-1].final]


def losses_after(way: Way, besides: Sequence[LossSpec] = (), specs: Sequence[LossSpec] | None = None) -> list[LossSpec]:
    """The losses among `specs`, by default all installed ones, that take what the conversion makes, the best first.

    Those in `besides` are left out.
    """
    known = {spec.name for spec in besides}
    found = [spec for spec in losses(specs) if way.target in spec.formats and spec.name not in known]
    return sorted(found, key=by_merit)


def _ways(sources: Sequence[Format]) -> Iterable[Way]:
    """The shortest chain to each format within reach, the shorter ones first."""
    reached = set(sources[:1])
    paths: list[tuple[Conversion, ...]] = [(step,) for step in CONVERSIONS if step.source in sources]
    while paths:
        longer: list[tuple[Conversion, ...]] = []
        for path in paths:
            end = path[-1]
            if end.target in reached:
                continue
            reached.add(end.target)
            yield Way(path)
            longer += [] if end.final else [(*path, step) for step in CONVERSIONS if step.source == end.target]
        paths = longer
