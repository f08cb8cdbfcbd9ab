"""What can be said of a model before anything of it is fetched: how long texts may be, and how fast it may learn."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer

from embtune.errors import ModelError
from embtune.model.json_object import JsonObject
from embtune.model.layout import StaticLayout, read_layout
from embtune.model.scratch_spec import SCRATCH, ScratchKind, parse_scratch
from embtune.model.source import find_here
from embtune.model.tokenizer import TextTokenizer

_STATIC_RATE = 2e-2  # a table of vectors wants far larger steps than a transformer
_FRESH_RATE = 1e-3  # of a transformer whose weights are random
_RATES = ((384, 5e-5), (768, 2e-5), (1 << 16, 1e-5))  # of pretrained transformers, by their width at most
_UNKNOWN = f"the model is not on this machine yet; a static one wants about {_STATIC_RATE:g}, a small transformer 5e-5"


@dataclass(frozen=True)
class ModelSeen:
    """What a model is as far as this machine knows.

    limit: most tokens of a text that it keeps by itself; None where there is none, or it is not known.
    tokenizer: None where it is not here, or does not exist yet.
    learning_rate: that usually suits its kind.
    """

    name: str
    is_here: bool
    is_static: bool = False
    limit: int | None = None
    tokenizer: TextTokenizer | None = None
    learning_rate: float = 2e-5

    @property
    def rate_remarks(self) -> tuple[str, ...]:
        """What is told of the learning rate where little is known."""
        return () if self.is_here else (_UNKNOWN,)


def look_at_model(name: str) -> ModelSeen:
    """What is known of a model; little of one that is on the hub and was never fetched.

    Raises:
        ModelError: it names a package, a folder or a new model that cannot be.
    """
    if name.startswith(SCRATCH):
        spec = parse_scratch(name)
        is_static = spec.kind is ScratchKind.STATIC
        rate = _STATIC_RATE if is_static else _FRESH_RATE
        return ModelSeen(name, True, is_static, spec.length or None, None, rate)
    folder = find_here(name)
    if folder is None:
        return ModelSeen(name, False)
    try:
        encoder = read_layout(folder).encoder
    except ModelError:  # an adapter, or something that training will tell more of
        return ModelSeen(name, False)
    file = encoder.folder / "tokenizer.json"
    backend = Tokenizer.from_file(str(file)) if file.is_file() else None
    tokenizer = TextTokenizer(backend, not isinstance(encoder, StaticLayout)) if backend else None
    if isinstance(encoder, StaticLayout):
        return ModelSeen(name, True, True, None, tokenizer, _STATIC_RATE)
    config = JsonObject.read_if_there(encoder.folder / "config.json")
    width = config.size("hidden_size") or config.size("dim") or 768
    rate = next(rate for widest, rate in _RATES if width <= widest)
    limit = encoder.max_seq_length or config.size("max_position_embeddings")
    return ModelSeen(name, True, False, limit, tokenizer, rate)
