"""The format algebra against the design's table, written out as it stands there."""

from __future__ import annotations

import time

import pytest

from embtune.catalog import Format, LabelKind, all_specs, find_spec, fits, losses_fitting, why_not
from embtune.catalog.formats import FORMAT_NAMES, roles_fit
from embtune.catalog.roles import TEXT_LIST, canonical_role

N, C, B, S = LabelKind.NONE, LabelKind.CLASS, LabelKind.BINARY, LabelKind.SCORE
V, M, K = LabelKind.VECTOR, LabelKind.MARGIN, LabelKind.SCORES

RANKING = {
    "MultipleNegativesRankingLoss",
    "CachedMultipleNegativesRankingLoss",
    "GISTEmbedLoss",
    "CachedGISTEmbedLoss",
}
SYMMETRIC = {"MultipleNegativesSymmetricRankingLoss", "CachedMultipleNegativesSymmetricRankingLoss"}
MINING = {
    "BatchAllTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchHardTripletLoss",
    "BatchSemiHardTripletLoss",
}
TENSION = {"ContrastiveTensionLoss", "ContrastiveTensionLossInBatchNegatives"}
TO_VECTORS = {"MSELoss", "EmbedDistillLoss"}
TO_SCORES = {"DistillKLDivLoss", "MarginMSELoss"}
ANY_DATA = "GlobalOrthogonalRegularizationLoss"
N_TUPLE = ("anchor", "positive", "negative_1..n")
TRIPLET = ("anchor", "positive", "negative")

# the table of the design, and what embtune takes beside it: roles, label, losses
TABLE: list[tuple[tuple[str, ...], LabelKind, set[str]]] = [
    (("text",), C, MINING),
    (("text",), N, {*TENSION, "DenoisingAutoEncoderLoss"}),
    (("anchor", "anchor"), N, {"ContrastiveTensionLossInBatchNegatives"}),
    (("damaged", "original"), N, {"DenoisingAutoEncoderLoss"}),
    (("sentence_A", "sentence_B"), C, {"SoftmaxLoss"}),
    (("anchor", "positive"), N, {*RANKING, *SYMMETRIC, "MegaBatchMarginLoss"}),
    # pairs of equal and different texts that are already made: contrastive tension
    (("sentence_A", "sentence_B"), B, {"ContrastiveLoss", "OnlineContrastiveLoss", "ContrastiveTensionLoss"}),
    (("sentence_A", "sentence_B"), S, {"CoSENTLoss", "AnglELoss", "CosineSimilarityLoss"}),
    (TRIPLET, N, {*RANKING, "TripletLoss", "AnglELoss"}),
    (N_TUPLE, N, {*RANKING, "AnglELoss"}),
    (("text",), V, TO_VECTORS),
    (("text_1..n",), V, TO_VECTORS),
    (TRIPLET, M, {"MarginMSELoss"}),
    (N_TUPLE, M, {"MarginMSELoss"}),
    (TRIPLET, K, TO_SCORES),
    (N_TUPLE, K, TO_SCORES),
]


def test_the_formats_of_all_losses_are_the_table() -> None:
    declared = {(format, spec.name) for spec in all_specs() for format in spec.formats}
    wanted = {(Format(roles, label), name) for roles, label, names in TABLE for name in names}
    wanted |= {(Format(("any",)), ANY_DATA)}
    assert declared == {(format, name) for format, name in wanted if name in {spec.name for spec in all_specs()}}


@pytest.mark.parametrize(("roles", "label", "names"), TABLE)
def test_losses_that_fit_are_those_of_the_row(roles: tuple[str, ...], label: LabelKind, names: set[str]) -> None:
    concrete = [
        role.replace("negative_1..n", "negatives").replace("text_1..n", "text_2") for role in dict.fromkeys(roles)
    ]
    concrete = ["text_1", *concrete] if concrete == ["text_2"] else concrete
    found = {spec.name for spec in losses_fitting(concrete, label)} - {ANY_DATA}
    # 1 or 0 is a class of two and a score at the ends of its range as well
    also = {"SoftmaxLoss", "CoSENTLoss", "CosineSimilarityLoss", "AnglELoss"} if label is B else set()
    assert found == {name for name in names | also if name in {spec.name for spec in all_specs()}}


def test_every_format_of_the_table_has_a_name() -> None:
    assert all(Format(roles, label) in FORMAT_NAMES for roles, label, _ in TABLE)
    assert len(set(FORMAT_NAMES.values())) == len(FORMAT_NAMES)


@pytest.mark.parametrize(
    ("wanted", "roles", "fit"),
    [
        (("anchor", "positive", "negative"), ("positive", "negative_1", "anchor"), True),
        (("anchor", "positive", "negative"), ("anchor", "positive", "negative_1", "negative_2"), False),
        (("anchor", "positive", "negative"), ("anchor", "positive", "negatives"), False),
        (("anchor", "positive", "negative_1..n"), ("anchor", "positive", "negative"), True),
        (("anchor", "positive", "negative_1..n"), ("anchor", "positive", "negative_1", "negative_2"), True),
        (("anchor", "positive", "negative_1..n"), ("anchor", "positive"), False),
        (("anchor", "positive"), ("anchor", "positive", "negative"), False),
        (("text_1..n",), ("text_1", "text_2", "text_3"), True),
        (("text_1..n",), ("text",), True),
        (("text",), ("text_1", "text_2"), False),
        (("any",), ("damaged", "original"), True),
        (("anchor", "anchor"), ("anchor",), True),
    ],
)
def test_roles_fit_by_family(wanted: tuple[str, ...], roles: tuple[str, ...], fit: bool) -> None:
    assert roles_fit(wanted, roles) is fit


def test_a_label_of_1_and_0_is_read_as_a_class_or_a_score_and_nothing_else() -> None:
    pair = ("sentence_A", "sentence_B")
    readings = {kind for kind in LabelKind if fits(Format(pair, kind), pair, B)}
    assert readings == {B, C, S}
    assert all(not fits(Format(pair, kind), pair, other) for kind in (B, C, S) for other in (C, S) if kind is not other)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("query", "anchor"),
        ("passage_1", "positive"),
        ("passage_2", "negative_1"),
        ("passage_9", "negative_8"),
        ("document", "positive"),
        ("sentence1", "sentence_A"),
        ("sentence2", "sentence_B"),
        ("negatives", "negatives"),
        ("text_12", "text_12"),
        ("scores", "label"),
        ("margin", "label"),
        ("embedding", "label"),
        ("negative_0", None),
        ("title", None),
    ],
)
def test_other_names_of_roles(name: str, role: str | None) -> None:
    assert canonical_role(name) == role


def test_why_not_names_what_differs() -> None:
    triplet, ranking = find_spec("TripletLoss"), find_spec("MultipleNegativesRankingLoss")
    assert why_not(triplet, ("anchor", "positive", "negative"), N) == ""
    assert "anchor, positive, negative" in why_not(triplet, ("anchor", "positive"), N)
    scored = why_not(find_spec("CoSENTLoss"), ("sentence_A", "sentence_B"), C)
    assert scored == "CoSENTLoss needs a score from 0 to 1 with these texts; the data has a class"
    assert "pairs" in why_not(ranking, ("text",), N)


def test_the_roles_of_thousands_of_columns_are_held_against_a_format_in_no_time() -> None:
    started = time.process_time()
    assert roles_fit((TEXT_LIST,), [f"text_{i}" for i in range(1, 20_000)])
    assert time.process_time() - started < 2  # minutes, where each is looked for among all
