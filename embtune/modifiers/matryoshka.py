"""Embeddings that can be cut short. Legend: B rows, L layers, D width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from embtune.catalog.entries.matryoshka import MatryoshkaParameters
from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.nested_softmax import NestedWidths
from embtune.losses.objective import Batch, BuildContext, Objective, Request
from embtune.losses.similarity import unit_vectors


class Matryoshka(Objective):
    """Train the loss on shortened embeddings too, so that the first numbers of an embedding are good embeddings.

        loss = sum over d in dims of weight_d * loss( unit( embeddings[..., :d] ) )

    Every view and layer is cut and then brought to length 1, the full width too; labels stay as they are. A term of the
    inner loss is named `<term>@<dim>`. With `n_dims_per_step` the dims of a step are drawn from the step's generator; a
    dim not drawn is not computed and its terms are 0, so that the terms always add up to the loss.

    Parameters: `MatryoshkaParameters`; dims like 768, 512, 256, 128, 64, weights 1.
    Paper: Kusupati et al. 2022, arXiv:2205.13147.
    Differs from Sentence Transformers: works with every loss, one with a head gets a head for each width.
    """

    def __init__(self, inner: Mapping[int, Objective], weights: Mapping[int, float], dims_per_step: int) -> None:
        """Inner loss and weight by dim; `dims_per_step` -1 computes all dims in each step."""
        super().__init__()
        self._dims = tuple(sorted(inner, reverse=True))
        self._inner = dict(inner)
        self._weights = dict(weights)
        self._dims_per_step = dims_per_step
        self.losses = nn.ModuleDict({str(dim): inner[dim] for dim in self._dims})

    @classmethod
    def build(
        cls, parameters: MatryoshkaParameters, context: BuildContext, inner: Callable[[BuildContext], Objective]
    ) -> Matryoshka:
        """The modifier around one inner loss for each dim.

        Raises:
            ConfigError: a dim is wider than the model's embeddings.
        """
        wide = [dim for dim in parameters.dims if dim > context.embedding_dim]
        if wide:
            names = ", ".join(str(dim) for dim in wide)
            message = f"dims has {names}, but the model's embeddings are {context.embedding_dim} wide"
            raise ConfigError.of("dim-too-wide", message, f"the widest possible dim is {context.embedding_dim}")
        weights = parameters.weights or (1.0,) * len(parameters.dims)
        whole = context.full_dim or context.embedding_dim
        objectives = {
            dim: inner(replace(context, embedding_dim=dim, full_dim=whole))
            for dim in sorted(parameters.dims, reverse=True)
        }
        return cls(objectives, dict(zip(parameters.dims, weights, strict=True)), parameters.n_dims_per_step)

    @property
    def coupling(self) -> Coupling:
        """That of the inner loss."""
        return self._inner[self._dims[0]].coupling

    def request(self, roles: Sequence[str]) -> Request:
        """What the inner loss wants."""
        return self._inner[self._dims[0]].request(roles)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`<term>@<dim>`, weighted, the widest dim first."""
        drawn = self._drawn_dims(batch.generator)
        computed = self._weighted_terms(batch, drawn)
        zeros = {name: torch.zeros_like(value) for name, value in computed[drawn[0]].items()}
        return {f"{name}@{dim}": value for dim in self._dims for name, value in computed.get(dim, zeros).items()}

    def _weighted_terms(self, batch: Batch, dims: Sequence[int]) -> dict[int, dict[str, Tensor]]:
        """Weighted terms by dim: in one pass where the inner loss has one, else dim by dim."""
        inner = self._inner[dims[0]]
        if len(dims) > 1 and isinstance(inner, NestedWidths) and inner.nests(batch):
            return inner.nested_terms(batch, {dim: self._weights[dim] for dim in dims})
        found = {dim: self._inner[dim].terms(batch.map(_shortener(dim))) for dim in dims}
        return {dim: {name: self._weights[dim] * value for name, value in found[dim].items()} for dim in dims}

    def _drawn_dims(self, generator: torch.Generator | None) -> tuple[int, ...]:
        if not 0 < self._dims_per_step < len(self._dims):
            return self._dims
        assert generator is not None, "drawing dims needs the step's generator"
        places = torch.randperm(len(self._dims), generator=generator)[: self._dims_per_step]
        return tuple(self._dims[place] for place in sorted(places.tolist()))


def _shortener(dim: int) -> Callable[[Tensor], Tensor]:
    """(L, B, D) -> (L, B, dim), of length 1."""
    return lambda table_LBD: unit_vectors(table_LBD[..., :dim])
