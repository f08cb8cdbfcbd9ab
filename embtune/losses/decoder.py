"""What an objective asks of a decoder, and how it gets one. Decoders are built outside: this names no architecture.

Legend: B texts, T tokens, S decoder positions, N positions with a token to predict, H width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor


class Decoder(Protocol):
    """An `nn.Module` that writes a text from one vector. Token ids below 0 are padding."""

    @property
    def width(self) -> int:
        """H, of the vectors it reads."""

    def split(self, tokens_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (B, S) and labels (B, S): the label at a position is predicted from the inputs up to it."""

    def states(self, sentences_BH: Tensor, inputs_BS: Tensor) -> Tensor:
        """(B, S, H)."""

    def logits(self, states_NH: Tensor) -> Tensor:
        """(N, V)."""


# (name or None for the model's own architecture, share the model's weights) -> the decoder, and whose tokens it reads
DecoderBuilder = Callable[[str | None, bool], tuple[Decoder, str]]


def no_decoder(name_or_path: str | None, tie: bool) -> tuple[Decoder, str]:
    """For objectives that are built without a model: there is nothing to decode with."""
    raise AssertionError("this context builds no decoder")
