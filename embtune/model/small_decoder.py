"""A small Transformer decoder, for models whose architecture has none.

Legend: B texts, S decoder positions, N positions with a token to predict, H width, V vocabulary.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LAYERS = 2
_HEADS = (12, 8, 6, 4, 3, 2)
_NARROWEST_HEAD = 32


class SmallDecoder(nn.Module):
    """Two pre-norm decoder layers over the encoder's token vectors, with sinusoidal positions (Vaswani et al. 2017).

    The embedding is the only memory. Every token is predicted, the first from a start vector, so that texts without
    special tokens are rebuilt whole.

    Args:
        table: (V, H) token vectors, read at the input and the output; shared with the encoder or not.
        dropout: of the layers.
    """

    def __init__(self, table: nn.Parameter, dropout: float) -> None:
        super().__init__()
        width = table.shape[1]
        self.table = table
        self.start = nn.Parameter(torch.randn(width) / math.sqrt(width))
        self.bias = nn.Parameter(torch.zeros(len(table)))
        # vectors of length 1 at the input, logits of size 1 at the output, whatever the length of the table's vectors
        self.scale = nn.Parameter(1 / table.detach().norm(dim=1).mean().clamp_min(1e-6))
        layer = nn.TransformerDecoderLayer(
            width, _heads(width), 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerDecoder(layer, _LAYERS, nn.LayerNorm(width))

    @property
    def width(self) -> int:
        """H, of the embeddings it reads."""
        return int(self.table.shape[1])

    def split(self, tokens_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and labels (B, T). The input is the labels': `states` puts the start before them itself."""
        return tokens_BT, tokens_BT

    def states(self, sentences_BH: Tensor, inputs_BS: Tensor) -> Tensor:
        """(B, S, H): the state at a position has seen the tokens before it. Negative ids are padding."""
        vectors = self.scale * F.embedding(inputs_BS[:, :-1].clamp_min(0), self.table)
        start = self.start.to(vectors.dtype).expand(len(vectors), 1, -1)
        shifted = torch.cat([start, vectors], dim=1)
        positioned = shifted + _positions(shifted.shape[1], self.width, shifted)
        causal = nn.Transformer.generate_square_subsequent_mask(shifted.shape[1], shifted.device, shifted.dtype)
        memory = sentences_BH[:, None].to(shifted.dtype)
        states: Tensor = self.layers(positioned, memory, tgt_mask=causal, tgt_is_causal=True)
        return states

    def logits(self, states_NH: Tensor) -> Tensor:
        """(N, V)."""
        return F.linear(self.scale * states_NH, self.table, self.bias)


def _heads(width: int) -> int:
    """The most heads that divide the width and leave each enough of it."""
    return next((heads for heads in _HEADS if width % heads == 0 and width // heads >= _NARROWEST_HEAD), 1)


def _positions(count: int, width: int, like: Tensor) -> Tensor:
    """(count, width) sines and cosines, about as long as a token's vector."""
    places = torch.arange(count, device=like.device, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, device=like.device) * (-math.log(10_000.0) / width))
    waves = torch.stack([torch.sin(places * rates), torch.cos(places * rates)], dim=-1).flatten(1)[:, :width]
    return (waves / math.sqrt(width)).to(like.dtype)
