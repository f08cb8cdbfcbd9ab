"""The formats of the loss overview, as data, and whether rows of one are rows of another.

A format is an ordered tuple of roles and the kind of the label. `fits` is the whole algebra: a loss takes a dataset
when one of its formats fits the dataset's roles and label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from embtune.catalog.roles import NEGATIVE_LIST, TEXT_LIST, is_negative, is_numbered_text
from embtune.catalog.spec import Format, LabelKind

ANY_ROLES = "any"  # as the only role of a format: whatever texts the rows have

TEXT = Format(("text",))
TEXTS = Format((TEXT_LIST,))
TEXT_CLASS = Format(("text",), LabelKind.CLASS)
SAME_PAIR = Format(("anchor", "anchor"))  # one text, embedded by two towers
DAMAGED = Format(("damaged", "original"))
PAIR = Format(("anchor", "positive"))
PAIR_CLASS = Format(("sentence_A", "sentence_B"), LabelKind.CLASS)
PAIR_BINARY = Format(("sentence_A", "sentence_B"), LabelKind.BINARY)
PAIR_SCORE = Format(("sentence_A", "sentence_B"), LabelKind.SCORE)
TRIPLET = Format(("anchor", "positive", "negative"))
N_TUPLE = Format(("anchor", "positive", NEGATIVE_LIST))
ANY = Format((ANY_ROLES,))
TEXT_VECTOR = Format(("text",), LabelKind.VECTOR)
TEXTS_VECTOR = Format((TEXT_LIST,), LabelKind.VECTOR)
TRIPLET_MARGIN = Format(("anchor", "positive", "negative"), LabelKind.MARGIN)
N_TUPLE_MARGINS = Format(("anchor", "positive", NEGATIVE_LIST), LabelKind.MARGIN)
TRIPLET_SCORES = Format(("anchor", "positive", "negative"), LabelKind.SCORES)
N_TUPLE_SCORES = Format(("anchor", "positive", NEGATIVE_LIST), LabelKind.SCORES)

FORMAT_NAMES: Mapping[Format, str] = MappingProxyType(
    {
        TEXT: "plain texts",
        TEXTS: "several texts",
        TEXT_CLASS: "texts with a class",
        SAME_PAIR: "texts, each its own positive",
        DAMAGED: "damaged and original texts",
        PAIR: "pairs",
        PAIR_CLASS: "pairs with a class",
        PAIR_BINARY: "pairs with 1 or 0",
        PAIR_SCORE: "pairs with a score",
        TRIPLET: "triplets",
        N_TUPLE: "n-tuples",
        ANY: "any texts",
        TEXT_VECTOR: "texts with a teacher embedding",
        TEXTS_VECTOR: "several texts with teacher embeddings",
        TRIPLET_MARGIN: "triplets with a margin",
        N_TUPLE_MARGINS: "n-tuples with margins",
        TRIPLET_SCORES: "triplets with teacher scores",
        N_TUPLE_SCORES: "n-tuples with teacher scores",
    }
)

LABEL_WORDS: Mapping[LabelKind, str] = MappingProxyType(
    {
        LabelKind.NONE: "no label",
        LabelKind.CLASS: "a class",
        LabelKind.BINARY: "1 or 0",
        LabelKind.SCORE: "a score from 0 to 1",
        LabelKind.VECTOR: "a teacher embedding",
        LabelKind.MARGIN: "a margin for each negative",
        LabelKind.SCORES: "a score for each passage, the positive first",
    }
)

# 1 or 0 is also a class of two and a score at the ends of its range; nothing else can be read in two ways
_READS_AS: Mapping[LabelKind, frozenset[LabelKind]] = MappingProxyType(
    {LabelKind.BINARY: frozenset({LabelKind.BINARY, LabelKind.CLASS, LabelKind.SCORE})}
)


def label_fits(wanted: LabelKind, label: LabelKind) -> bool:
    """Whether labels of kind `label` can be read as `wanted`: equal kinds, or 1/0 read as a class or a score."""
    return wanted is label or wanted in _READS_AS.get(label, frozenset())


def roles_fit(wanted: Sequence[str], roles: Sequence[str]) -> bool:
    """Whether columns with `roles`, in any order, are exactly the columns `wanted` names.

    `negative_1..n` stands for one or more of `negative`, `negative_k`, `negatives`; `negative` for a single one
    (`negative` or `negative_1`), since how long the list column `negatives` is only the rows say;
    `text_1..n` for one or more of `text`, `text_k`.
    """
    if tuple(wanted) == (ANY_ROLES,):
        return bool(roles)
    return _shape(wanted) in (_shape(roles), _shape(roles, one_is_many=True))


def fits(format: Format, roles: Sequence[str], label: LabelKind) -> bool:
    """Whether a dataset with these canonical roles and this kind of label is of `format`.

    `any` takes whatever label the rows have, so that such a loss can be added to every other.
    """
    any_label = format.roles == (ANY_ROLES,) or label_fits(format.label, label)
    return any_label and roles_fit(format.roles, roles)


def describe(format: Format) -> str:
    """`anchor, positive + label (class)`: a format as one short phrase."""
    return describe_data(format.roles, format.label)


def describe_data(roles: Sequence[str], label: LabelKind) -> str:
    """The roles and label of a dataset, in the words `describe` uses for a format."""
    texts = ", ".join(roles)
    return texts if label is LabelKind.NONE else f"{texts} + label ({label.value})"


def _shape(roles: Sequence[str], one_is_many: bool = False) -> frozenset[str]:
    """The set of roles with a run of numbered columns as one list role.

    A lone numbered column counts as unnumbered, unless `one_is_many`: a single negative is an n-tuple of one.
    """
    negatives = [role for role in roles if is_negative(role)]
    texts = [role for role in roles if role == "text" or is_numbered_text(role)]
    shape = set(roles).difference(negatives, texts)
    shape |= _family(negatives, "negative", NEGATIVE_LIST, one_is_many)
    return frozenset(shape | _family(texts, "text", TEXT_LIST, one_is_many))


def _family(members: Sequence[str], single: str, many: str, one_is_many: bool) -> set[str]:
    if not members:
        return set()
    is_list = many in members or "negatives" in members or len(members) > 1
    return {many if is_list or one_is_many else single}
