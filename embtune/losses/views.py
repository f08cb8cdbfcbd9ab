"""Which columns a loss asks for, and which it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from embtune.catalog.formats import describe, roles_fit
from embtune.catalog.roles import in_role_order, is_negative
from embtune.catalog.spec import Format
from embtune.losses.objective import Batch, Request, View


def request_columns(formats: Sequence[Format], roles: Sequence[str]) -> Request:
    """One view of the trained model for each of `roles`, in role order.

    Raises:
        ValueError: the roles are those of none of `formats`.
    """
    if not any(roles_fit(format.roles, roles) for format in formats):
        wanted = " or ".join(f"({describe(format)})" for format in formats)
        raise ValueError(f"the roles ({', '.join(roles)}) do not fit; needed: {wanted}")
    return Request(tuple(View(role) for role in in_role_order(roles)))


def frozen_columns(request: Request, tower: str, roles: Sequence[str]) -> Request:
    """The request, and the texts of these roles embedded by a frozen tower as well."""
    return replace(request, views=(*request.views, *(View(role, tower) for role in roles)))


def text_roles(batch: Batch) -> tuple[str, ...]:
    """The roles of the texts that the model embedded, in role order."""
    return in_role_order(view.role for view in batch.embeddings if view == View(view.role))


def negative_roles(batch: Batch) -> tuple[str, ...]:
    """The batch's negatives, `negative` or `negative_1`, `negative_2`, ..., in order."""
    return tuple(role for role in text_roles(batch) if is_negative(role))


def by_tower(batch: Batch, tower: str) -> Tensor:
    """The (B, D) embeddings by one tower, for an objective that has one view of it."""
    (view,) = (view for view in batch.embeddings if view.tower == tower)
    return batch.embeddings[view][-1]


def absent_texts(batch: Batch, roles: Sequence[str]) -> Tensor | None:
    """(len(roles) * B,) bool, role after role: the row has no such text; None where all texts are there."""
    if all(batch.mask(role) is None for role in roles):
        return None
    return torch.cat([_absent(batch, role) for role in roles])


def _absent(batch: Batch, role: str) -> Tensor:
    present, embedding_BD = batch.mask(role), batch.embedding(role)
    return embedding_BD.new_zeros(len(embedding_BD), dtype=torch.bool) if present is None else ~present
