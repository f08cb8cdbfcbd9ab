"""How long a text may be, and how much of anything a model's config may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from transformers import PreTrainedConfig, PreTrainedModel

from embtune.errors import ModelError
from embtune.model.json_object import JsonObject
from embtune.model.tokenizer import TextTokenizer

MOST = 1 << 20  # layers, labels, heads
NO_LIMIT = 10**9  # transformers writes 1e30 where a tokenizer has no limit


def transformer_limit(
    asked: int | None, folder_says: int | None, tokenizer: TextTokenizer, model: PreTrainedModel
) -> tuple[int | None, list[str]]:
    """The longest text in tokens, and what was changed.

    Args:
        asked: what the config wants; goes before everything.
        folder_says: the model folder's own limit; else the tokenizer's counts.
        tokenizer: the model's own.
        model: its number of positions caps all of them.

    Raises:
        ModelError: no room is left for text beside the special tokens.
    """
    positions = positions_of(model)
    wanted = asked or folder_says or tokenizer_limit(tokenizer)
    limit = min((length for length in (wanted, positions) if length is not None), default=None)
    notes = []
    if asked is not None and limit != asked:
        notes.append(f"adjusted: model.max_seq_length {asked} -> {limit} (the model has no more positions)")
    if limit is not None and limit <= tokenizer.special_count:
        message = f"max_seq_length {limit} leaves no room beside {tokenizer.special_count} special tokens"
        raise ModelError.of("length-too-small", message)
    return limit, notes


def tokenizer_limit(tokenizer: TextTokenizer) -> int | None:
    """What the tokenizer's own config says, in tokens; None where it says nothing that is a limit."""
    if tokenizer.pretrained is None:
        return None
    limit = tokenizer.pretrained.model_max_length  # whatever the tokenizer's config says
    return int(limit) if isinstance(limit, int | float) and 0 < limit < NO_LIMIT else None


def positions_of(model: PreTrainedModel) -> int | None:
    """Positions a token can be at; RoBERTa and its like use up the first few for padding."""
    config: PreTrainedConfig = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return None
    return positions - first_position(model)


def first_position(model: PreTrainedModel) -> int:
    """The number of a text's first position."""
    for module in model.modules():
        padding = getattr(module, "padding_idx", None)
        if isinstance(padding, int) and hasattr(module, "position_embeddings"):
            return padding + 1
    return 0


def static_limit(asked: int | None, folder_says: int | None) -> int | None:
    """The same for a static model, which has neither positions nor special tokens."""
    return asked if asked is not None else folder_says


def check_counts(config: JsonObject) -> None:
    """Refuse a count that no model has: transformers makes lists and names for as many layers or labels as it reads.

    Raises:
        ModelError: there is one, at any depth.
    """
    for key, value in _entries(config.values):
        counts = key.startswith(("num_", "n_")) or key.endswith(("_layers", "_labels"))
        if counts and isinstance(value, int | float) and not abs(value) <= MOST:
            raise config.error(key, f"{value:g} is more than any model has")


def _entries(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        yield key, value
        if isinstance(value, dict):
            yield from _entries(value)
