"""What can be said of a model without its weights: how long texts may be, and how fast it may learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from embtune.errors import ModelError
from embtune.model.json_object import JsonObject
from embtune.model.layout import StaticLayout, read_layout
from embtune.model.scratch_spec import SCRATCH, ScratchKind, parse_scratch
from embtune.model.source import find_folder
from embtune.model.texts_only import read_text_reading
from embtune.model.tokenizer import TextTokenizer

_STATIC_RATE = 2e-2  # a table of vectors wants far larger steps than a transformer
_FRESH_RATE = 1e-3  # of a transformer whose weights are random
_RATES = ((384, 5e-5), (768, 2e-5), (1 << 16, 1e-5))  # of pretrained transformers, by their width at most
_UNKNOWN = f"the model cannot be looked at now; a static one wants about {_STATIC_RATE:g}, a small transformer 5e-5"


@dataclass(frozen=True)
class ModelSeen:
    """What a model is as far as this machine knows.

    limit: most tokens of a text that it keeps by itself; None where there is none, or it is not known.
    tokenizer: None where it cannot be had, or does not exist yet.
    learning_rate: that usually suits its kind.
    """

    name: str
    is_known: bool
    is_static: bool = False
    limit: int | None = None
    tokenizer: TextTokenizer | None = None
    learning_rate: float = 2e-5

    @property
    def rate_remarks(self) -> tuple[str, ...]:
        """What is told of the learning rate where little is known."""
        return () if self.is_known else (_UNKNOWN,)


def look_at_model(name: str) -> ModelSeen:
    """What is known of a model; little of one on a hub that cannot be reached. No weights are fetched or read.

    Raises:
        ModelError: it names a new model that cannot be.
    """
    if name.startswith(SCRATCH):
        spec = parse_scratch(name)
        is_static = spec.kind is ScratchKind.STATIC
        rate = _STATIC_RATE if is_static else _FRESH_RATE
        return ModelSeen(name, True, is_static, spec.length or None, None, rate)
    try:
        reading = read_text_reading(name)
        encoder = read_layout(find_folder(name, None, False, with_weights=False)).encoder
    except ModelError:  # the run tells more of it
        return ModelSeen(name, False)
    is_static = isinstance(encoder, StaticLayout)
    rate = _STATIC_RATE if is_static else _rate(encoder.folder)
    return ModelSeen(name, True, is_static, reading.limit, reading.tokenizer, rate)


def _rate(folder: Path) -> float:
    """That of a pretrained transformer: the wider, the slower."""
    config = JsonObject.read_if_there(folder / "config.json")
    width = config.size("hidden_size") or config.size("dim") or _RATES[-2][0]
    return next(rate for widest, rate in _RATES if width <= widest)
