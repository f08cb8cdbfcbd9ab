"""The losses and parameters that are held against the references: every word of every parameter, and their products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from parity_cases import PAIR_ROLES, WIDTH, ParityCase

RANKING = "MultipleNegativesRankingLoss"
HARDNESS = (None, "in_batch_negatives", "hard_negatives", "all_negatives")
SIMILARITIES = (("cosine", 20.0), ("dot", 1.0), ("euclidean", 1.0), ("manhattan", 0.5))


def all_cases() -> tuple[ParityCase, ...]:
    """The whole grid, losses first, then Matryoshka around each of them."""
    return (
        *ranking_cases(),
        *pair_cases(),
        *triplet_cases(),
        *more_pair_cases(),
        *unlabelled_cases(),
        *mining_cases(),
        *distillation_cases(),
        *guided_cases(),
        *matryoshka_cases(),
    )


def ranking_roles(negatives: int) -> tuple[str, ...]:
    """Anchor, positive and so many negatives, a single one unnumbered."""
    names = ("negative",) if negatives == 1 else tuple(f"negative_{k + 1}" for k in range(negatives))
    return ("anchor", "positive", *names)


def ranking_cases() -> Iterator[ParityCase]:
    """Directions x partition x hardness x negatives, then the other similarities and scales."""
    others = ("query_to_query", "doc_to_query", "doc_to_doc")
    subsets = [("query_to_doc", *more) for count in range(4) for more in combinations(others, count)]
    ways = [(directions, "joint") for directions in subsets]
    ways += [(directions, "per_direction") for directions in (subsets[0], ("query_to_doc", "doc_to_query"))]
    for (directions, mode), hardness, negatives in product(ways, HARDNESS, (0, 1, 3)):
        parameters: dict[str, object] = {"directions": directions, "partition_mode": mode}
        if hardness is not None:
            parameters |= {"hardness_mode": hardness, "hardness_strength": 5.0}
        yield ParityCase(RANKING, ranking_roles(negatives), parameters)
    for (similarity, scale), hardness in product(SIMILARITIES, HARDNESS[:2]):
        parameters = {"similarity_fct": similarity, "scale": scale, "directions": subsets[-1]}
        if hardness is not None:
            parameters |= {"hardness_mode": hardness, "hardness_strength": 0.5}
        yield ParityCase(RANKING, ranking_roles(2), parameters)
    yield ParityCase("MultipleNegativesSymmetricRankingLoss", ranking_roles(0), {"scale": 10.0})


def pair_cases() -> Iterator[ParityCase]:
    """Scored, binary and classed pairs."""
    for similarity, scale in SIMILARITIES:
        yield ParityCase("CoSENTLoss", PAIR_ROLES, {"similarity_fct": similarity, "scale": scale})
    for regression, transform in product(("mse", "l1", "smooth_l1"), ("identity", "relu", "sigmoid", "unit_interval")):
        parameters: dict[str, object] = {"loss_fct": regression, "cos_score_transformation": transform}
        yield ParityCase("CosineSimilarityLoss", PAIR_ROLES, parameters)
    for metric, average in product(("cosine", "euclidean", "manhattan"), (True, False)):
        margin = {"cosine": 0.5, "euclidean": 2.5, "manhattan": 6.0}[metric]
        parameters = {"distance_metric": metric, "margin": margin, "size_average": average}
        yield ParityCase("ContrastiveLoss", PAIR_ROLES, parameters)
    for seen in product((True, False), repeat=3):
        if any(seen):
            names = ("concatenation_sent_rep", "concatenation_sent_difference", "concatenation_sent_multiplication")
            yield ParityCase("SoftmaxLoss", PAIR_ROLES, dict(zip(names, seen, strict=True)))


def more_pair_cases() -> Iterator[ParityCase]:
    """Angles on pairs and tuples; hard pairs; mega-batch margins; orthogonality in every similarity."""
    for scale in (20.0, 3.0):
        yield ParityCase("AnglELoss", PAIR_ROLES, {"scale": scale})
        for negatives in (1, 3):
            yield ParityCase("AnglELoss", ranking_roles(negatives), {"scale": scale})
    for metric, margin in (("cosine", 0.5), ("euclidean", 2.5), ("manhattan", 6.0)):
        yield ParityCase("OnlineContrastiveLoss", PAIR_ROLES, {"distance_metric": metric, "margin": margin})
    for positive, negative in ((0.8, 0.3), (0.5, -0.2)):
        margins: dict[str, object] = {"positive_margin": positive, "negative_margin": negative}
        yield ParityCase("MegaBatchMarginLoss", ranking_roles(0), margins)
    for (similarity, _), aggregation, roles in product(SIMILARITIES, ("mean", "sum"), (("text",), ranking_roles(1))):
        parameters: dict[str, object] = {"similarity_fct": similarity, "aggregation": aggregation}
        yield ParityCase("GlobalOrthogonalRegularizationLoss", roles, parameters)
    for left_out in ("mean_weight", "second_moment_weight"):
        yield ParityCase("GlobalOrthogonalRegularizationLoss", PAIR_ROLES, {left_out: None})


def triplet_cases() -> Iterator[ParityCase]:
    """Each distance with a margin that some rows keep and others break, and with the default."""
    for metric, margin in (("cosine", 0.2), ("euclidean", 0.5), ("manhattan", 1.0), ("euclidean", 5.0)):
        yield ParityCase("TripletLoss", ranking_roles(1), {"distance_metric": metric, "triplet_margin": margin})


def unlabelled_cases() -> Iterator[ParityCase]:
    """Contrastive tension, whose two columns are embedded by two copies of the model."""
    yield ParityCase("ContrastiveTensionLoss", PAIR_ROLES)
    for similarity, scale in SIMILARITIES:
        parameters: dict[str, object] = {"similarity_fct": similarity, "scale": scale}
        yield ParityCase("ContrastiveTensionLossInBatchNegatives", ("text",), parameters, towers=("twin", "model"))


def mining_cases() -> Iterator[ParityCase]:
    """Each distance with a margin that some triplets keep and others break, and with the default."""
    for metric, margin in (("cosine", 0.2), ("euclidean", 0.5), ("manhattan", 1.0), ("euclidean", 5.0)):
        for loss in ("BatchAllTripletLoss", "BatchHardTripletLoss", "BatchSemiHardTripletLoss"):
            yield ParityCase(loss, ("text",), {"distance_metric": metric, "margin": margin})
    for metric in ("cosine", "euclidean", "manhattan"):
        yield ParityCase("BatchHardSoftMarginTripletLoss", ("text",), {"distance_metric": metric})


def distillation_cases() -> Iterator[ParityCase]:
    """Each metric with one target or one for each text, with and without projection; each form of label."""
    texts = (("text",), ("text_1", "text_2", "text_3"))
    for roles, projection in product(texts, (None, 5)):
        width, parameters = projection or WIDTH, {"projection_dim": projection}
        for numbers in ((width,), (len(roles), width)):
            yield ParityCase("MSELoss", roles, parameters, numbers=numbers)
            for metric in ("cosine", "mse", "l2"):
                yield ParityCase("EmbedDistillLoss", roles, {**parameters, "distance_metric": metric}, numbers=numbers)
    for similarity, _ in SIMILARITIES:
        forms: tuple[tuple[int, tuple[int, ...]], ...] = ((1, ()), (1, (1,)), (1, (2,)), (3, (3,)), (3, (4,)))
        for negatives, form in forms:
            yield ParityCase("MarginMSELoss", ranking_roles(negatives), {"similarity_fct": similarity}, numbers=form)
        for negatives, temperatures in product((1, 3), ({}, {"temperature": 0.5}, {"student_temperature": 0.5})):
            divided = {"similarity_fct": similarity, **temperatures}
            yield ParityCase("DistillKLDivLoss", ranking_roles(negatives), divided, numbers=(negatives + 1,))
    softer = {"student_temperature": 0.5, "teacher_temperature": 3.0}
    yield ParityCase("DistillKLDivLoss", ranking_roles(2), softer, numbers=(3,))


def guided_cases() -> Iterator[ParityCase]:
    """Margins of both kinds x what is contrasted x negatives; with the default temperature, and plain and cached."""
    margins = (("absolute", 0.0), ("absolute", 0.1), ("relative", 0.05), ("relative", 0.3))
    for (strategy, margin), anchors, positives in product(margins, (True, False), (True, False)):
        chosen: dict[str, object] = {"margin_strategy": strategy, "margin": margin}
        chosen |= {"contrast_anchors": anchors, "contrast_positives": positives, "guide": "guide", "temperature": 0.1}
        for negatives in (0, 1):
            yield ParityCase("GISTEmbedLoss", ranking_roles(negatives), chosen)
        for negatives in (0, 3):
            yield ParityCase("CachedGISTEmbedLoss", ranking_roles(negatives), chosen)
    for loss in ("GISTEmbedLoss", "CachedGISTEmbedLoss"):
        yield ParityCase(loss, ranking_roles(1), {"guide": "guide"})


def matryoshka_guided_cases(shape: Mapping[str, Sequence[float]]) -> Iterator[ParityCase]:
    """The guide's vectors, of another width than any dim, stay whole."""
    for loss in ("GISTEmbedLoss", "CachedGISTEmbedLoss"):
        yield ParityCase(loss, ranking_roles(1), {"guide": "guide", "temperature": 0.1}, shape)


def matryoshka_distillation_cases(shape: Mapping[str, Sequence[float]]) -> Iterator[ParityCase]:
    """Targets cut to each dim, or a projection for each; margins and scores as they are."""
    for loss in ("MSELoss", "EmbedDistillLoss"):
        yield ParityCase(loss, ("text_1", "text_2"), {}, shape, numbers=(WIDTH,))
        yield ParityCase(loss, ("text_1", "text_2"), {"projection_dim": 5}, shape, numbers=(2, 5))
    yield ParityCase("MarginMSELoss", ranking_roles(2), {}, shape, numbers=(2,))
    yield ParityCase("DistillKLDivLoss", ranking_roles(2), {}, shape, numbers=(3,))


def matryoshka_cases() -> Iterator[ParityCase]:
    """Each loss under Matryoshka: all widths, uneven weights in an unsorted order, without the full width."""
    inner = {
        RANKING: ranking_roles(1),
        "TripletLoss": ranking_roles(1),
        "CoSENTLoss": PAIR_ROLES,
        "CosineSimilarityLoss": PAIR_ROLES,
        "ContrastiveLoss": PAIR_ROLES,
        "SoftmaxLoss": PAIR_ROLES,
        "AnglELoss": PAIR_ROLES,
        "OnlineContrastiveLoss": PAIR_ROLES,
        "MegaBatchMarginLoss": ranking_roles(0),
        "GlobalOrthogonalRegularizationLoss": ("text",),
        **{case.loss: case.roles for case in mining_cases()},
    }
    widths: tuple[dict[str, tuple[float, ...]], ...] = (
        {"dims": (WIDTH, 4, 2)},
        {"dims": (2, WIDTH, 5), "weights": (0.3, 1.0, 2.0)},
        {"dims": (3,)},
    )
    for (loss, roles), shape in product(inner.items(), widths):
        yield ParityCase(loss, roles, {}, shape)
    for shape in widths:
        yield from matryoshka_distillation_cases(shape)
        yield from matryoshka_guided_cases(shape)
