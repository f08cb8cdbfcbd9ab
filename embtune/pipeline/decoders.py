"""Decoders that objectives ask for: each is built once, however many objectives share it."""

from __future__ import annotations

from dataclasses import dataclass

from embtune.losses.decoder import Decoder
from embtune.model.decoder import LONGEST_TARGET, build_decoder, read_decoder
from embtune.model.embedder import TextEmbedder
from embtune.model.tokenizer import TextTokenizer
from embtune.train.tokenise import TextReader

_OWN = "decoder"


@dataclass(frozen=True)
class DecoderReader:
    """How a decoder's targets are tokenised."""

    tokenizer: TextTokenizer
    max_seq_length: int


class Decoders:
    """Builds decoders for one model and remembers them."""

    def __init__(self, model: TextEmbedder) -> None:
        self._model = model
        self._built: dict[tuple[str | None, bool], tuple[Decoder, str]] = {}
        self.readers: dict[str, TextReader] = {}

    def build(self, name_or_path: str | None, tie: bool) -> tuple[Decoder, str]:
        """A decoder, and under which name `readers` has its tokenizer.

        Raises:
            ModelError: the named one cannot be had.
        """
        key = (name_or_path, tie and name_or_path is None)
        if key not in self._built:
            self._built[key] = self._build(*key)
        return self._built[key]

    def _build(self, name_or_path: str | None, tie: bool) -> tuple[Decoder, str]:
        longest = self._model.max_seq_length or LONGEST_TARGET
        if name_or_path is None:
            self.readers[_OWN] = DecoderReader(self._model.tokenizer, longest)
            return build_decoder(self._model, tie), _OWN
        dropout = None if self._model.has_dropout else 0.0
        decoder, tokenizer = read_decoder(name_or_path, dropout)
        longest = min(longest, decoder.positions or longest)
        reader = f"{_OWN}:{name_or_path}"
        self.readers[reader] = DecoderReader(tokenizer, longest)
        return decoder, reader
