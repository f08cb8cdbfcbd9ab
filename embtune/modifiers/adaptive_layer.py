"""Models that can be cut after any layer. Legend: B rows, L layers (the embedding layer is one), D width."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from embtune.catalog.choices import LayerWeighting
from embtune.catalog.entries.adaptive_layer import AdaptiveLayerParameters
from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, Request, View

DIVERGENCE = "kl@layers"


class AdaptiveLayer(Objective):
    """Train the loss after inner layers too, and bring their embeddings near those of the final layer.

        loss = last_layer_weight * loss(E_L)
             + prior_layers_weight / |S| * sum over i in S of w(i) * loss(E_i)
             + kl_div_weight * T * sum over i in S of KL( softmax(E_L / T) || softmax(E_i / T) )

    E_i are the embeddings after layer i, 0 the embedding layer, through pooling and whatever follows it. S is drawn
    from 0..L-1 by the step's generator. The divergence is the mean over all texts of the step, of all views together;
    E_L is a constant in it. A head of the inner loss is one and the same for all layers.

    Terms: those of the inner loss after the final layer under their own names, `<term>@layers` the sum over S, and
    `kl@layers`, which is left out where it counts nothing.
    Parameters: `AdaptiveLayerParameters`; one layer a step.
    Paper: Li et al. 2024, arXiv:2402.14776.
    Differs from Sentence Transformers: works with every loss, also with gradient caching and trained twins.
    """

    def __init__(self, settings: AdaptiveLayerParameters, inner: Objective) -> None:
        super().__init__()
        self.settings = settings
        self.inner = inner

    @classmethod
    def build(
        cls, parameters: AdaptiveLayerParameters, context: BuildContext, inner: Callable[[BuildContext], Objective]
    ) -> AdaptiveLayer:
        """The modifier around one inner loss.

        Raises:
            ConfigError: there are no inner layers.
        """
        if context.depth == 0:
            message = "there are no inner layers: the model is static, or another modifier trains them already"
            raise ConfigError.of("no-layers", message, "leave the modifier out")
        return cls(parameters, inner(replace(context, depth=0)))  # the inner loss is given one layer at a time

    @property
    def coupling(self) -> Coupling:
        """That of the inner loss."""
        return self.inner.coupling

    def request(self, roles: Sequence[str]) -> Request:
        """What the inner loss wants, after every layer."""
        return replace(self.inner.request(roles), every_layer=True)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The final layer's terms first, so that what they count is what is reported."""
        depth = len(next(iter(batch.embeddings.values()))) - 1
        final = self.inner.terms(_after(batch, depth))
        terms = {name: self.settings.last_layer_weight * value for name, value in final.items()}
        assert DIVERGENCE not in {f"{name}@layers" for name in terms}, "a term of the inner loss is named kl"
        drawn = self._drawn_layers(depth, batch.generator)
        return terms | self._prior_terms(batch, drawn) | self._divergence(batch, drawn)

    def _drawn_layers(self, depth: int, generator: torch.Generator | None) -> tuple[int, ...]:
        count = self.settings.n_layers_per_step
        if not 0 < count < depth:
            return tuple(range(depth))
        assert generator is not None, "drawing layers needs the step's generator"
        return tuple(sorted(torch.randperm(depth, generator=generator)[:count].tolist()))

    def _prior_terms(self, batch: Batch, layers: Sequence[int]) -> dict[str, Tensor]:
        totals: dict[str, Tensor] = {}
        for layer in layers:
            weight = self.settings.prior_layers_weight * _weight(self.settings.layer_weighting, layer) / len(layers)
            for name, value in self.inner.terms(_after(batch, layer)).items():
                key = f"{name}@layers"
                totals[key] = totals[key] + weight * value if key in totals else weight * value
        return totals

    def _divergence(self, batch: Batch, layers: Sequence[int]) -> dict[str, Tensor]:
        temperature = self.settings.kl_temperature
        factor = self.settings.kl_div_weight * temperature
        if factor == 0:
            return {}
        parts = [
            _divergences(table_LBD, layers, temperature, batch.mask(view.role)).sum()
            for view, table_LBD in batch.embeddings.items()
        ]
        texts = _text_count(batch.whole or batch, batch.embeddings)
        return {DIVERGENCE: factor * torch.stack(parts).sum() / texts}


def _after(batch: Batch, layer: int) -> Batch:
    """The batch as a model that ends after `layer` embeds it."""
    return batch.map(lambda table_LBD: table_LBD[layer : layer + 1])


def _weight(weighting: LayerWeighting, layer: int) -> float:
    if weighting is LayerWeighting.LOG:
        return 1 / (1 + math.log1p(layer))
    return 1 / (1 + layer) if weighting is LayerWeighting.LINEAR else 1.0


def _divergences(table_LBD: Tensor, layers: Sequence[int], temperature: float, present: Tensor | None) -> Tensor:
    """(B,) KL divergences of the layers from the final one, summed over layers; 0 where the row has no text."""
    final_BD = F.log_softmax(table_LBD[-1].detach() / temperature, dim=-1)
    layers_SBD = F.log_softmax(table_LBD[list(layers)] / temperature, dim=-1)
    total_B = F.kl_div(layers_SBD, final_BD.expand_as(layers_SBD), reduction="none", log_target=True).sum(dim=(0, 2))
    return total_B if present is None else total_B * present


def _text_count(rows: Batch, views: Iterable[View]) -> Tensor:
    """How many texts of these views the rows have, at least 1."""
    counts = [rows.size if rows.mask(view.role) is None else rows.present[view.role].sum() for view in views]
    return torch.as_tensor(sum(counts)).clamp_min(1)
