"""Objectives built as a run builds them, and scored on vectors given by role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from embtune.catalog import LossSpec, Parameters, find_spec
from embtune.losses.objective import Batch, BuildContext, Objective, View, frozen_model
from embtune.modifiers.build import build_objective

CONTEXT = BuildContext(embedding_dim=4, depth=0, class_count=3)


@dataclass(frozen=True)
class Scored:
    """A loss, its terms, and its gradient by column: a role, or "role by tower" where it is not the model's."""

    value: Tensor
    terms: dict[str, Tensor]
    gradients: dict[str, Tensor]

    @property
    def finite(self) -> bool:
        """No NaN and no infinity, in value or gradient."""
        return all(bool(tensor.isfinite().all()) for tensor in (self.value, *self.gradients.values()))


def parsed(name: str, **parameters: object) -> tuple[LossSpec, Parameters]:
    """An entry of the catalogue and its parameters, as they are read from YAML."""
    spec = find_spec(name)
    return spec, spec.parameters.model_validate(parameters)


def built(name: str, **parameters: object) -> Objective:
    """The objective of one loss, for vectors of `CONTEXT`'s width."""
    return built_for(CONTEXT, name, **parameters)


def built_for(context: BuildContext, name: str, **parameters: object) -> Objective:
    """The objective of one loss for another model and data."""
    return build_objective([(*parsed(name, **parameters), 1.0)], [], context)


def batch_of(columns: Mapping[str, Tensor], labels: Tensor | None = None, row_block: int = 1024) -> Batch:
    """A whole step from (B, D) columns by role."""
    rows = len(next(iter(columns.values())))
    views = {View(role): column[None] for role, column in columns.items()}
    return Batch(views, labels, size=rows, row_block=row_block)


def scored(objective: Objective, batch: Batch) -> Scored:
    """Value and gradient of an objective; roles whose vectors get no gradient have zeros."""
    leaves = {view: table.detach().clone().requires_grad_() for view, table in batch.embeddings.items()}
    terms = objective.terms(replace(batch, embeddings=leaves))
    value = torch.stack(list(terms.values())).sum()
    gradients = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True)
    names = [view.role if view == View(view.role) else f"{view.role} by {view.tower}" for view in leaves]
    by_column = {name: gradient[-1] for name, gradient in zip(names, gradients, strict=True)}
    return Scored(value.detach(), terms, by_column)


def scored_views(
    objective: Objective,
    roles: Sequence[str],
    table_VBD: Tensor,
    labels: Tensor | None = None,
    row_block: int = 1024,
    guide_VBG: Tensor | None = None,
) -> Scored:
    """Value and gradient on the columns that the objective asks for, given in the order it asks for them."""
    wanted = objective.request(roles).views
    views = dict(zip([view for view in wanted if not frozen_model(view.tower)], table_VBD[:, None], strict=True))
    by_guide = [view for view in wanted if frozen_model(view.tower)]
    frozen = {} if guide_VBG is None else dict(zip(by_guide, guide_VBG, strict=True))
    return scored(objective, Batch(views, labels, size=table_VBD.shape[1], row_block=row_block, frozen=frozen))


def scored_columns(
    objective: Objective, columns: Mapping[str, Tensor], labels: Tensor | None = None, row_block: int = 1024
) -> Scored:
    """Value and gradient on (B, D) columns by role."""
    return scored(objective, batch_of(columns, labels, row_block))
