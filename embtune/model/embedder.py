"""The model of a run: token ids in, embeddings out.

Legend: B texts, D width, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from embtune.catalog.choices import Similarity
from embtune.model.dropout import has_active_dropout
from embtune.model.encoder import Encoder
from embtune.model.features import Features, FlatTexts
from embtune.model.layers import Dense, Normalize, at_least_float32
from embtune.model.tokenizer import TextTokenizer


@dataclass
class EmbedderSettings:
    """What is saved with a model beside its weights.

    max_seq_length: longest text in tokens, special tokens included; None cuts nothing.
    default_prompt_name: the prompt that encoding uses where none is given.
    truncate_dim: entries of a vector that encoding keeps; training works on whole vectors.
    """

    max_seq_length: int | None = None
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    similarity: Similarity = Similarity.COSINE
    truncate_dim: int | None = None


class TextEmbedder(nn.Module):
    """An encoder, the layers after its pooling, and its tokenizer.

    Args:
        encoder: gives one vector a text.
        layers: what follows, `Dense` and `Normalize`, in order.
        tokenizer: the encoder's own.
        settings: see `EmbedderSettings`.
        notes: what was decided or changed while loading, one sentence each, for the plan.

    Attributes:
        queries: embeds the queries of what this model embeds the documents of; None where one model embeds both.
            `add_queries` (embtune.model.queries) sets it. It is a part of this model: trained, moved and saved with it.
        compiled: whether layers of the encoder are compiled, so that passes with and without gradients would be two
            programs, which may differ in rounding and in draws of dropout. `compile_layers` (embtune.model.compiling)
            sets it.
    """

    def __init__(
        self,
        encoder: Encoder,
        layers: Sequence[Dense | Normalize],
        tokenizer: TextTokenizer,
        settings: EmbedderSettings,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = nn.ModuleList(layers)
        self.tokenizer = tokenizer
        self.settings = settings
        self.notes = tuple(notes)
        self.queries: TextEmbedder | None = None
        self.compiled = False

    @property
    def embedding_dim(self) -> int:
        """D, the width of an embedding."""
        widths = [layer.out_features for layer in self.layers if isinstance(layer, Dense)]
        return widths[-1] if widths else self.encoder.width

    @property
    def depth(self) -> int:
        """Layers of the backbone; 0 for a static model."""
        return self.encoder.depth

    @property
    def max_seq_length(self) -> int | None:
        """Longest text in tokens, special tokens included; None cuts nothing."""
        return self.settings.max_seq_length

    @property
    def prompts(self) -> dict[str, str]:
        """Prompt name to the text put before an input."""
        return self.settings.prompts

    @property
    def similarity(self) -> Similarity:
        """The similarity the vectors are compared with."""
        return self.settings.similarity

    @property
    def normalizes(self) -> bool:
        """Whether embeddings have unit length."""
        return len(self.layers) > 0 and isinstance(self.layers[-1], Normalize)

    @property
    def has_dropout(self) -> bool:
        """Whether two passes over a text in training mode may differ."""
        return has_active_dropout(self)

    @property
    def packs(self) -> bool:
        """Whether texts are computed one behind the other, with no padding between them."""
        return self.encoder.packs

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def twin(self) -> TextEmbedder:
        """A copy with weights of its own; the tokenizer, which nothing changes, is shared."""
        return deepcopy(self, {id(self.tokenizer): self.tokenizer})

    def collate(self, token_ids: Sequence[np.ndarray], prompt_lengths: Sequence[int] | None = None) -> Features:
        """Tokenised texts as one batch, on the CPU.

        Args:
            token_ids: (length,) ids of each text, as `tokenizer.encode` gives them.
            prompt_lengths: tokens of each text that belong to its prompt; matters only to pooling without prompts.
        """
        return self.collate_flat(FlatTexts.of(token_ids, prompt_lengths))

    def collate_flat(self, texts: FlatTexts) -> Features:
        """The same for texts that lie one behind the other: no Python runs once a text."""
        return self.encoder.collate(texts, self.tokenizer.pad_id)

    def forward(self, features: Features, every_layer: bool = False) -> Tensor:
        """Embed a batch.

        Returns:
            (L, B, D), float32 or better. L is 1, or depth + 1 with `every_layer`: 0 is the embedding layer's output and
            the last is, bit for bit, what a pass without `every_layer` gives. Each goes through pooling and `layers`.
        """
        return torch.stack([self._finish(pooled) for pooled in self.encoder(features, every_layer)])

    def _finish(self, pooled: Tensor) -> Tensor:
        for layer in self.layers:
            pooled = layer(pooled)
        return at_least_float32(pooled)
