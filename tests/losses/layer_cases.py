"""How the modifiers that need inner layers are held against plain loops and against Sentence Transformers 6.2.

A case is a loss on V columns after each of L layers: the gradient is that of all (L, V, B, D) vectors. All layers and
dims are trained in each step, so that nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import loss_reference
import torch
from objectives import parsed
from parity_cases import HEAD_SEED, PAIR_ROLES, WIDTH, Outcome, ParityCase, reference_value
from parity_grid import RANKING, ranking_roles
from reference_modifiers import adaptive_layer
from torch import Tensor

from embtune.losses.objective import Batch, BuildContext, Objective
from embtune.modifiers.build import build_objective

DEPTH = 3  # layers after the embedding layer
ALL_LAYERS = {"n_layers_per_step": -1}


@dataclass(frozen=True)
class LayerCase:
    """A loss under AdaptiveLayerLoss, or with `dims` in the parameters under Matryoshka2dLoss."""

    inner: ParityCase
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def modifier(self) -> str:
        """The modifier's name."""
        return "Matryoshka2dLoss" if "dims" in self.parameters else "AdaptiveLayerLoss"

    @property
    def label(self) -> str:
        """The case in one line."""
        words = " ".join(f"{key}={value}" for key, value in self.parameters.items() if key != "n_layers_per_step")
        return f"{self.inner.label} under {self.modifier} {words}".strip()

    @property
    def known_to_sentence_transformers(self) -> bool:
        """A head under Matryoshka raises there."""
        return self.modifier == "AdaptiveLayerLoss" or self.inner.loss != "SoftmaxLoss"

    def table(self) -> Tensor:
        """(L, V, B, D) float32: each layer some way from the one above."""
        generator = torch.Generator().manual_seed(11)
        final = self.inner.table()
        return torch.stack(
            [final + 0.4 * step * torch.randn(final.shape, generator=generator) for step in range(DEPTH, -1, -1)]
        )

    def objective(self) -> Objective:
        """embtune's objective, built as a run builds it."""
        torch.manual_seed(HEAD_SEED)
        modifier = parsed(self.modifier, **self.parameters)
        loss = (*parsed(self.inner.loss, **self.inner.parameters), 1.0)
        return build_objective([loss], [modifier], BuildContext(embedding_dim=WIDTH, depth=DEPTH, class_count=3))

    def batch(self, table: Tensor, row_block: int = 4) -> Batch:
        """The step's rows, with (L, V, B, D) embeddings."""
        views = self.objective().request(self.inner.roles).views
        columns = dict(zip(views, table.unbind(dim=1), strict=True))
        return Batch(columns, self.inner.labels(), size=table.shape[2], row_block=row_block)


def embtune_layers(case: LayerCase, row_block: int = 4) -> Outcome:
    """What embtune computes in float32."""
    table = case.table().requires_grad_()
    terms = case.objective().terms(case.batch(table, row_block))
    value = torch.stack(list(terms.values())).sum()
    (gradient,) = torch.autograd.grad(value, table)
    return Outcome(value.detach(), gradient)


def reference_layers(case: LayerCase) -> Outcome:
    """What the plain loops compute in float64."""
    table = case.table().double().requires_grad_()
    layers = [{name: list(column) for name, column in zip(case.inner.columns, layer, strict=True)} for layer in table]
    ours = {key: value for key, value in case.parameters.items() if key not in _OF_MATRYOSHKA}
    value = adaptive_layer(layers, lambda columns: _loss(case, columns), **ours)  # type: ignore[arg-type]
    (gradient,) = torch.autograd.grad(value, table)
    return Outcome(value.detach(), gradient)


_OF_MATRYOSHKA = ("dims", "weights", "n_dims_per_step", "n_layers_per_step")


def _loss(case: LayerCase, columns: loss_reference.Columns) -> Tensor:
    """The loss of one layer, in all dims where there are some."""
    heads = _heads(case)
    dims = case.parameters.get("dims")
    if not isinstance(dims, tuple):
        return reference_value(case.inner, columns, heads.get(None, {}))
    weights = case.parameters.get("weights")
    assert weights is None or isinstance(weights, tuple)
    return loss_reference.matryoshka(
        columns, dims, weights, lambda cut, dim: reference_value(case.inner, cut, heads.get(dim, {}))
    )


def _heads(case: LayerCase) -> dict[int | None, dict[str, Tensor]]:
    """Weight and bias of the heads by dim, None without dims; one for all layers."""
    found: dict[int | None, dict[str, Tensor]] = {}
    for name, value in case.objective().named_parameters():
        numbers = [int(part) for part in name.split(".") if part.isdigit()]
        found.setdefault(numbers[0] if numbers else None, {})[name.split(".")[-1]] = value.detach().double()
    return found


def sentence_transformers_layers(case: LayerCase) -> Outcome:
    """What Sentence Transformers computes in float32."""
    from sentence_transformers_layers import layered_value_and_gradient  # slow to import

    torch.manual_seed(HEAD_SEED)
    extra = {"num_labels": 3} if case.inner.loss == "SoftmaxLoss" else {}
    parameters = {**case.inner.parameters, **extra}
    return Outcome(
        *layered_value_and_gradient(case.inner.loss, parameters, case.parameters, case.table(), case.inner.labels())
    )


def layer_cases() -> Iterator[LayerCase]:
    """Each way to weigh layers, no divergence, other weights; then both modifiers around losses of each kind."""
    ranking = ParityCase(RANKING, ranking_roles(1))
    for weighting in ("uniform", "log", "linear"):
        yield LayerCase(ranking, {**ALL_LAYERS, "layer_weighting": weighting})
    yield LayerCase(ranking, {**ALL_LAYERS, "kl_temperature": 0.0})
    weights = {"last_layer_weight": 0.5, "prior_layers_weight": 2.0, "kl_div_weight": 3.0, "kl_temperature": 1.5}
    yield LayerCase(ranking, {**ALL_LAYERS, **weights})
    losses = (
        ranking,
        ParityCase("TripletLoss", ranking_roles(1)),
        ParityCase("CoSENTLoss", PAIR_ROLES),
        ParityCase("ContrastiveLoss", PAIR_ROLES),
        ParityCase("SoftmaxLoss", PAIR_ROLES),
        ParityCase("BatchAllTripletLoss", ("text",)),
    )
    all_dims = {**ALL_LAYERS, "n_dims_per_step": -1}
    widths: tuple[dict[str, object], ...] = (
        {},
        {"dims": (WIDTH, 4), **all_dims},
        {"dims": (2, 5), "weights": (0.5, 2.0), **all_dims},
    )
    for loss, shape in product(losses, widths):
        yield LayerCase(loss, {**ALL_LAYERS, **shape})
