"""The model a config asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embtune.config import LoadedConfig
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.lora import add_lora
from embtune.pipeline.collecting import blamed_on, located
from embtune.pipeline.datasets import TrainSet


def load_config_model(loaded: LoadedConfig, train_sets: Sequence[TrainSet]) -> TextEmbedder:
    """Load `model:` as configured, with the low-rank updates it asks for.

    A model from scratch learns its vocabulary from the training texts.

    Raises:
        ModelError: it cannot be had; located at `model.name_or_path`.
        ConfigError: it has no module of a name that is to get updates.
    """
    config = loaded.config.model
    lengths = config.max_seq_length

    def texts() -> Iterable[str]:
        return (text for each in train_sets for text in each.examples.texts)

    with blamed_on(loaded, ("model", "name_or_path")):
        model = load_model(
            config.name_or_path,
            revision=config.revision,
            pooling=config.pooling,
            normalize=None if config.normalize == "auto" else config.normalize,
            dense=config.dense,
            prompts=config.prompts,
            max_seq_length=lengths if isinstance(lengths, int) else None,
            dropout=config.dropout,
            trust_remote_code=config.trust_remote_code,
            scratch_texts=texts,
            seed=loaded.config.seed,
        )
    if config.lora is not None:
        with located(loaded, ("model", "lora", "target_modules")):
            add_lora(model, config.lora, config.name_or_path, config.revision, loaded.config.seed)
    return model
