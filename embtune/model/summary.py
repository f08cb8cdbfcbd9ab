"""Facts about a model, for the plan."""

from __future__ import annotations

from dataclasses import dataclass

from embtune.catalog.choices import Similarity
from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.words import PoolingMode


@dataclass(frozen=True)
class ModelSummary:
    """What a model is. `pooling` is empty for a static model, which always takes the mean."""

    architecture: str
    parameters: int
    trainable_parameters: int
    embedding_dim: int
    depth: int
    max_seq_length: int | None
    pooling: tuple[PoolingMode, ...]
    normalizes: bool
    similarity: Similarity
    prompts: dict[str, str]
    has_dropout: bool


def summarize(model: TextEmbedder) -> ModelSummary:
    """Collect the facts."""
    encoder = model.encoder
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return ModelSummary(
        architecture=encoder.architecture,
        parameters=sum(size for size, _ in sizes),
        trainable_parameters=sum(size for size, trainable in sizes if trainable),
        embedding_dim=model.embedding_dim,
        depth=model.depth,
        max_seq_length=model.max_seq_length,
        pooling=encoder.pooling.modes if isinstance(encoder, TransformerEncoder) else (),
        normalizes=model.normalizes,
        similarity=model.similarity,
        prompts=dict(model.prompts),
        has_dropout=model.has_dropout,
    )
