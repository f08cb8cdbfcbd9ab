"""From a batch of texts to one vector a text: what the two kinds of models have in common.

Legend: B texts, T token slots, D width, L layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from embtune.model.features import Features, FlatTexts, flat, packed, padded
from embtune.model.limits import first_position, positions_of
from embtune.model.packed_states import PackedStates
from embtune.model.pooling import Pooling


class Encoder(nn.Module, ABC):
    """Pooled vectors of a batch, after the final layer or after every layer."""

    @property
    @abstractmethod
    def width(self) -> int:
        """D, the width of a pooled vector."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """Layers after the embedding layer; 0 for a static model."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """The name people know it by."""

    @property
    @abstractmethod
    def positions(self) -> int | None:
        """The longest text in tokens; None where nothing limits it."""

    @property
    @abstractmethod
    def token_vectors(self) -> nn.Parameter:
        """(V, H) the input vector of each token id."""

    @property
    @abstractmethod
    def packs(self) -> bool:
        """Whether texts are computed one behind the other, with no padding between them."""

    @abstractmethod
    def collate(self, texts: FlatTexts, pad_id: int) -> Features:
        """Texts as the tensors that `forward` takes, on the CPU."""

    @abstractmethod
    def forward(self, features: Features, every_layer: bool) -> list[Tensor]:
        """(B, D) after the final layer; with `every_layer` depth + 1 of them, the embedding layer's first."""


class TransformerEncoder(Encoder):
    """A transformers model, then pooling. Attention is the model's own (sdpa where it has it), unless texts are packed.

    Args:
        model: gives the hidden states.
        pooling: from a text's hidden states to its vector.
        carried: weights of the folder that the model has no use for; only saved again, so that readers find them.

    Attributes:
        packed_states: gives the hidden states of packed texts; None where texts are padded. `pack`
            (embtune.model.packing) sets it.
    """

    def __init__(self, model: PreTrainedModel, pooling: Pooling, carried: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.model = model
        self.pooling = pooling
        self.carried = dict(carried or {})
        self.packed_states: PackedStates | None = None
        self._first_position = first_position(model)

    @property
    def width(self) -> int:
        """Hidden size times the number of pooling modes."""
        return int(self.model.config.hidden_size) * len(self.pooling.modes)

    @property
    def depth(self) -> int:
        """Transformer layers."""
        return int(self.model.config.num_hidden_layers)

    @property
    def architecture(self) -> str:
        """The transformers class."""
        return type(self.model).__name__

    @property
    def positions(self) -> int | None:
        """Positions a token can be at."""
        return positions_of(self.model)

    @property
    def token_vectors(self) -> nn.Parameter:
        """The embedding layer's table, without low-rank updates."""
        table = self.model.get_input_embeddings().weight
        assert isinstance(table, nn.Parameter), "token vectors are a parameter"
        return table

    @property
    def packs(self) -> bool:
        """Whether it was found to give the same for packed texts."""
        return self.packed_states is not None

    def collate(self, texts: FlatTexts, pad_id: int) -> Features:
        """Packed, or rows padded on the right, whatever the tokenizer's side: real tokens then keep their positions."""
        return packed(texts, pad_id, self._first_position) if self.packs else padded(texts, pad_id)

    def forward(self, features: Features, every_layer: bool) -> list[Tensor]:
        """The pooled hidden states; inner ones as they are, without a pre-norm model's final norm."""
        if features.offsets is not None:
            assert self.packed_states is not None, "a model that pads takes padded features"
            states = self.packed_states(self.model, features, every_layer)
            return [self.pooling.packed(state, features.offsets, features.prompt_lengths) for state in states]
        states = self._hidden_states(features, every_layer)
        return [self.pooling(state, features.attention_mask, features.prompt_lengths) for state in states]

    def _hidden_states(self, features: Features, every_layer: bool) -> list[Tensor]:
        output = self.model(
            input_ids=features.input_ids,
            attention_mask=features.attention_mask,
            output_hidden_states=every_layer,
            return_dict=True,
        )
        final: Tensor = output.last_hidden_state
        if not every_layer:
            return [final]
        inner = output.hidden_states[:-1]  # the last one is `final`, in some architectures before its norm
        assert len(inner) == self.depth, f"{self.architecture} gives {len(inner)} states for {self.depth} layers"
        return [*inner, final]


class StaticEncoder(Encoder):
    """The mean of one learned vector a token. No order, no attention; a text without tokens gives zeros.

    Args:
        embedding: the token vectors. Low-rank updates put a module of their own around it.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self.embedding = embedding

    @property
    def width(self) -> int:
        """Width of the token vectors."""
        return int(self.token_vectors.shape[1])

    @property
    def depth(self) -> int:
        """There are no layers."""
        return 0

    @property
    def architecture(self) -> str:
        """Sentence Transformers' name for it."""
        return "StaticEmbedding"

    @property
    def positions(self) -> int | None:
        """Texts of any length."""
        return None

    @property
    def token_vectors(self) -> nn.Parameter:
        """The table that is averaged, without low-rank updates."""
        table = self.embedding.weight
        assert isinstance(table, nn.Parameter), "token vectors are a parameter"
        return table

    @property
    def packs(self) -> bool:
        """There is nothing between texts in any case."""
        return True

    def collate(self, texts: FlatTexts, pad_id: int) -> Features:
        """Texts one behind the other; a prompt's tokens count like all others."""
        return flat(texts)

    def forward(self, features: Features, every_layer: bool) -> list[Tensor]:
        """The mean of each text's token vectors."""
        assert features.offsets is not None, "a static model takes flat features"
        ids, vectors = features.input_ids, self.token_vectors
        if not isinstance(self.embedding, nn.Embedding):  # updated vectors are made token by token, not as a table
            vectors = self.embedding(ids)
            ids = torch.arange(len(ids), device=ids.device)
        return [functional.embedding_bag(ids, vectors, features.offsets[:-1], mode="mean")]


def new_table(vectors: Tensor) -> nn.Embedding:
    """These (ids, D) token vectors as a trainable table, float32."""
    rows, width = vectors.shape
    return nn.Embedding(rows, width, _weight=vectors.to(torch.float32))
