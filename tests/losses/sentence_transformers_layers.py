"""The layered modifiers of Sentence Transformers on given vectors: a backbone that looks up what each layer gives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers_oracle import loss_arguments
from torch import Tensor, nn
from transformers import BertConfig

_OUR_NAMES = {"dims": "matryoshka_dims", "weights": "matryoshka_weights"}


class Layers(Transformer):
    """Text 7 has, after layer i, the one token vector `table[i, 7]`."""

    def __init__(self, table_LTD: Tensor) -> None:
        nn.Module.__init__(self)
        self.table = nn.Parameter(table_LTD)
        self.model = nn.Module()  # type: ignore[assignment]
        self.model.config = BertConfig()

    def forward(self, features: dict[str, Tensor | list[Tensor]], **_: object) -> dict[str, Tensor | list[Tensor]]:
        rows = features["rows"]
        layers = [layer[rows] for layer in self.table]
        features.update(token_embeddings=layers[-1], all_layer_embeddings=layers)
        return features


class OnlyToken(nn.Module):
    """Pooling of texts of one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return features | {"sentence_embedding": features["token_embeddings"]}

    def get_embedding_dimension(self) -> int:
        return self.width


def layered_value_and_gradient(
    name: str,
    parameters: Mapping[str, object],
    modifier: Mapping[str, object],
    table_LVBD: Tensor,
    labels: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Loss `name` under AdaptiveLayerLoss, or Matryoshka2dLoss where `modifier` has dims, and its gradient."""
    layers, views, rows, width = table_LVBD.shape
    backbone = Layers(table_LVBD.flatten(1, 2).clone())
    model = SentenceTransformer(modules=[backbone, OnlyToken(width)], device="cpu")
    around = getattr(losses, "Matryoshka2dLoss" if "dims" in modifier else "AdaptiveLayerLoss")
    arguments = {_OUR_NAMES.get(key, key): value for key, value in modifier.items()}
    arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in arguments.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names it calls deprecated are still its behaviour
        loss = around(model, getattr(losses, name)(model, **loss_arguments(name, parameters, width)), **arguments)
        value = loss([{"rows": torch.arange(rows) + rows * view} for view in range(views)], labels)
    (gradient,) = torch.autograd.grad(value, backbone.table)
    return value.detach(), gradient.view(layers, views, rows, width)
