"""The loss stages compared: from given vectors to the loss and its gradient, in embtune and in Sentence Transformers.

Legend: B rows, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from objectives import parsed
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers_guided import TextRows
from torch import Tensor

from embtune.losses.objective import Batch, BuildContext, View, guide_tower
from embtune.modifiers.build import build_objective

GUIDE = "guide"
Outcome = tuple[float, list[Tensor]]  # the loss and its gradient (B, D) by column


@dataclass(frozen=True)
class LossCase:
    """One loss at one size.

    cached: Sentence Transformers takes its loss stage in mini-batches, whose size is its user's choice.
    """

    name: str
    loss: str
    rows: int
    columns: tuple[str, ...] = ("anchor", "positive")
    parameters: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, Any] = field(default_factory=dict)
    dims: tuple[int, ...] = ()
    labels: str = ""
    guided: bool = False
    cached: bool = True
    width: int = 384

    def sized(self, rows: int) -> LossCase:
        """The same at another size."""
        return replace(self, rows=rows)


_BOTH_WAYS = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
_ALL_WAYS = {"directions": ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")}
_HARDNESS = {"hardness_mode": "all_negatives", "hardness_strength": 5.0}

CASES = (
    LossCase("gist", "CachedGISTEmbedLoss", 2048, guided=True),
    LossCase("mnrl", "CachedMultipleNegativesRankingLoss", 8192),
    LossCase(
        "symmetric",
        "CachedMultipleNegativesRankingLoss",
        4096,
        parameters=_BOTH_WAYS,
        theirs=_BOTH_WAYS,
    ),
    LossCase(
        "all-directions",
        "CachedMultipleNegativesRankingLoss",
        2048,
        parameters=_ALL_WAYS,
        theirs=_ALL_WAYS,
    ),
    LossCase(
        "hard-negatives",
        "CachedMultipleNegativesRankingLoss",
        2048,
        ("anchor", "positive", "negative"),
        parameters=_HARDNESS,
        theirs=_HARDNESS,
    ),
    LossCase("matryoshka", "CachedMultipleNegativesRankingLoss", 4096, dims=(384, 256, 128, 64)),
    LossCase("cosent", "CoSENTLoss", 8192, ("sentence_A", "sentence_B"), labels="scores", cached=False),
    LossCase(
        "batch-all",
        "BatchAllTripletLoss",
        512,
        ("text",),
        parameters={"distance_metric": "cosine", "margin": 0.3},
        labels="classes",
        cached=False,
    ),
)


@dataclass(frozen=True)
class Inputs:
    """Vectors (B, D) by column, those of a guide, and labels (B,)."""

    columns: list[Tensor]
    guide: list[Tensor]
    labels: Tensor | None


def inputs_of(case: LossCase, seed: int = 0) -> Inputs:
    """Vectors that are alike row by row."""
    generator = torch.Generator().manual_seed(seed)
    make = [_alike(case, generator) for _ in range(1 + case.guided)]
    labels = {
        "": None,
        "scores": torch.rand(case.rows, generator=generator),
        "classes": torch.randint(case.rows // 4, (case.rows,), generator=generator),
    }[case.labels]
    return Inputs(make[0], make[1] if case.guided else [], labels)


def _alike(case: LossCase, generator: torch.Generator) -> list[Tensor]:
    shared = torch.randn(case.rows, case.width, generator=generator)
    # far enough apart that the loss is not all rounding
    return [torch.randn(case.rows, case.width, generator=generator).mul_(2).add_(shared) for _ in case.columns]


def ours(case: LossCase, inputs: Inputs, row_block: int = 1024) -> Callable[[], Outcome]:
    """The loss stage as a training step of embtune runs it."""
    parameters = {**case.parameters, **({"guide": GUIDE} if case.guided else {})}
    modifiers = [parsed("MatryoshkaLoss", dims=list(case.dims))] if case.dims else []
    context = BuildContext(embedding_dim=case.width, depth=0)
    objective = build_objective([(*parsed(case.loss, **parameters), 1.0)], modifiers, context)
    frozen = {View(role, guide_tower(GUIDE)): table for role, table in zip(case.columns, inputs.guide, strict=False)}

    def stage() -> Outcome:
        leaves = [column.detach()[None].requires_grad_() for column in inputs.columns]
        views = {View(role): leaf for role, leaf in zip(case.columns, leaves, strict=True)}
        batch = Batch(views, inputs.labels, size=case.rows, row_block=row_block, frozen=frozen)
        total = torch.stack(list(objective.terms(batch).values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return float(total.detach()), [_gradient(leaf)[0] for leaf in leaves]

    return stage


def theirs(case: LossCase, inputs: Inputs, mini_batch_size: int) -> Callable[[], Outcome]:
    """The loss stage as Sentence Transformers runs it once it has the embeddings."""
    model = _model(case)
    arguments: dict[str, Any] = dict(case.theirs)
    if case.labels == "classes":
        arguments = {"margin": case.parameters["margin"], "distance_metric": _cosine_distances}
    if case.guided:
        arguments["guide"] = _model(case)
    if not case.cached:
        return _plain(getattr(losses, case.loss)(model, **arguments), inputs)
    loss = getattr(losses, case.loss)(model, mini_batch_size=mini_batch_size, **arguments)
    if case.dims:
        losses.MatryoshkaLoss(model, loss, list(case.dims))  # replaces the loss's own method

    def stage() -> Outcome:
        parts = [[part.detach().requires_grad_() for part in torch.split(c, mini_batch_size)] for c in inputs.columns]
        guide = [[torch.split(table, mini_batch_size) for table in inputs.guide]] if case.guided else []
        value = loss.calculate_loss(parts, *guide, with_backward=True)
        return float(value.detach()), [torch.cat([_gradient(part) for part in column]) for column in parts]

    return stage


def _plain(loss: Any, inputs: Inputs) -> Callable[[], Outcome]:  # noqa: ANN401 - their losses share no type
    def stage() -> Outcome:
        leaves = [column.detach().requires_grad_() for column in inputs.columns]
        value = loss.compute_loss_from_embeddings(leaves, inputs.labels)
        value.backward()
        return float(value.detach()), [_gradient(leaf) for leaf in leaves]

    return stage


def _model(case: LossCase) -> SentenceTransformer:
    return SentenceTransformer(modules=[TextRows(torch.zeros(1, case.width))], device="cpu")


def _cosine_distances(vectors: Tensor) -> Tensor:
    from sentence_transformers.sentence_transformer.losses import BatchHardTripletLossDistanceFunction

    distances: Tensor = BatchHardTripletLossDistanceFunction.cosine_distance(vectors)
    return distances


def _gradient(leaf: Tensor) -> Tensor:
    assert leaf.grad is not None, "the loss gave no gradient"
    return leaf.grad


def apart(one: Outcome, other: Outcome) -> float:
    """The largest difference of value or gradient, relative to the largest there is."""
    value = abs(one[0] - other[0]) / max(abs(other[0]), 1e-12)
    slopes: Sequence[float] = [
        float((a - b).abs().max() / b.abs().max().clamp_min(1e-30)) for a, b in zip(one[1], other[1], strict=True)
    ]
    return max(value, *slopes)
