"""Whether the model has the inner layers that a modifier trains, once the model is known."""

from __future__ import annotations

from embtune.catalog import effective_spec
from embtune.catalog.spec import Need
from embtune.config import LoadedConfig
from embtune.errors import ConfigError
from embtune.model.embedder import TextEmbedder


def check_layers(loaded: LoadedConfig, model: TextEmbedder) -> None:
    """Hold the config's modifiers against the model.

    Raises:
        ConfigError: a modifier needs layers and the model has none, or a model for queries has another number of them;
            located at that modifier.
    """
    message = _unfit(model)
    problems = [
        loaded.problem(("modifiers", number), "no-layers", f"modifiers.{number}: {message}", "remove the modifier")
        for number, modifier in enumerate(loaded.config.modifiers)
        if message is not None and Need.LAYERS in effective_spec(modifier.spec).needs
    ]
    if problems:
        raise ConfigError(problems)


def _unfit(model: TextEmbedder) -> str | None:
    """Why inner layers cannot be trained; None where they can."""
    if model.depth == 0:
        return f"a {model.encoder.architecture} model has no layers that could be trained or left out"
    if model.queries is not None and model.queries.depth != model.depth:
        return f"the model for documents has {model.depth} layers and the one for queries {model.queries.depth}"
    return None
