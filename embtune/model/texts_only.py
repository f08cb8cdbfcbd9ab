"""What a model does to texts before its weights see them: its tokenizer, length limit and prompts, no weight read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embtune.model.adapter import base_folder, is_adapter_alone
from embtune.model.json_object import JsonObject
from embtune.model.layout import StaticLayout, read_layout
from embtune.model.limits import static_limit, tokenizer_limit
from embtune.model.source import find_folder
from embtune.model.static import read_static_tokenizer
from embtune.model.tokenizer import TextTokenizer
from embtune.model.transformer import read_tokenizer


@dataclass(frozen=True)
class TextReading:
    """How a model reads texts. `limit` in tokens, special ones included; None cuts nothing."""

    tokenizer: TextTokenizer
    limit: int | None
    prompts: Mapping[str, str]


def read_text_reading(
    name: str, *, revision: str | None = None, max_seq_length: int | None = None, trust_remote_code: bool = False
) -> TextReading:
    """The reading of a hub id, folder, `package:NAME/FOLDER` or adapter; of the hub's files no weights are fetched.

    Args:
        max_seq_length: goes before the folder's limit.

    Raises:
        ModelError: there is no such model, or its tokenizer is missing or broken.
    """
    folder = find_folder(name, revision, trust_remote_code, with_weights=False)
    root = base_folder(folder, trust_remote_code) if is_adapter_alone(folder) else folder
    layout = read_layout(root)
    if isinstance(layout.encoder, StaticLayout):
        tokenizer, said = read_static_tokenizer(layout.encoder.folder)
        return TextReading(tokenizer, static_limit(max_seq_length, said), layout.settings.prompts)
    part = layout.encoder
    tokenizer = read_tokenizer(part.folder, part.lower_case, trust_remote_code)
    lengths = (max_seq_length or part.max_seq_length or tokenizer_limit(tokenizer), _positions(part.folder))
    limit = min((length for length in lengths if length is not None), default=None)
    return TextReading(tokenizer, limit, layout.settings.prompts)


def _positions(folder: Path) -> int | None:
    """As the config says; the weights alone could tell whether some of them are used up for padding."""
    positions = JsonObject.read_if_there(folder / "config.json").values.get("max_position_embeddings")
    return positions if isinstance(positions, int) and positions > 0 else None
