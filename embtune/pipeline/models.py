"""The model a config asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embtune.config import LoadedConfig
from embtune.config.sections.model import DenseConfig, ModelConfig
from embtune.losses.objective import QUERY_TOWER
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.lora import add_lora
from embtune.model.queries import add_queries
from embtune.pipeline.collecting import blamed_on, located
from embtune.pipeline.datasets import TrainSet
from embtune.pipeline.towers import embedders


def load_config_model(loaded: LoadedConfig, train_sets: Sequence[TrainSet]) -> TextEmbedder:
    """Load `model:` as configured, with its model for queries and the low-rank updates that it asks for.

    A model from scratch learns its vocabulary from the training texts. Updates are put into both models.

    Raises:
        ModelError: one of them cannot be had; located at what names it.
        ConfigError: the two have different widths, or no module of a name that is to get updates.
    """
    config = loaded.config.model
    with blamed_on(loaded, ("model", "name_or_path")):
        model = _load(
            loaded,
            config.name_or_path,
            train_sets,
            pooling=config.pooling,
            normalize=None if config.normalize == "auto" else config.normalize,
            dense=config.dense,
        )
    if config.query_name_or_path is not None:
        with blamed_on(loaded, ("model", "query_name_or_path")):
            add_queries(model, _load(loaded, config.query_name_or_path, train_sets))
    _add_updates(loaded, model)
    return model


def _load(
    loaded: LoadedConfig,
    name: str,
    train_sets: Sequence[TrainSet],
    pooling: str | None = None,
    normalize: bool | None = None,
    dense: DenseConfig | None = None,
) -> TextEmbedder:
    """One of the two models. What is said of texts, dropout and trust is said of both."""
    config = loaded.config.model
    lengths = config.max_seq_length

    def texts() -> Iterable[str]:
        return (text for each in train_sets for text in each.examples.texts)

    return load_model(
        name,
        revision=_revision(config, name),
        pooling=pooling,
        normalize=normalize,
        dense=dense,
        prompts=config.prompts,
        max_seq_length=lengths if isinstance(lengths, int) else None,
        dropout=config.dropout,
        trust_remote_code=config.trust_remote_code,
        scratch_texts=texts,
        seed=loaded.config.seed,
    )


def _revision(config: ModelConfig, name: str) -> str | None:
    """A revision is of the repository that `name_or_path` names."""
    return config.revision if name == config.name_or_path else None


def _add_updates(loaded: LoadedConfig, model: TextEmbedder) -> None:
    config = loaded.config.model
    if config.lora is None:
        return
    named = {QUERY_TOWER: config.query_name_or_path or config.name_or_path}
    with located(loaded, ("model", "lora", "target_modules")):
        for tower, embedder in embedders(model).items():
            name = named.get(tower, config.name_or_path)
            add_lora(embedder, config.lora, name, _revision(config, name), loaded.config.seed)
