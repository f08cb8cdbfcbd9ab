"""MPNet on packed texts: its attention has a bias by relative position, and no interface to put another one in.

Its own parts are called in its own order, with torch's fused attention in place of the one that it writes out. Nothing
of the model is replaced. The table of biases, the same for every text and layer, is made once.

Paper: Song, Tan, Qin, Lu, Liu 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding",
arXiv:2004.09297.

Legend: N tokens of all texts, B texts, S token slots of the longest, H heads, E width of a head, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from transformers import MPNetModel, PreTrainedModel
from transformers.models.mpnet.modeling_mpnet import MPNetLayer, MPNetSelfAttention

from embtune.model.features import Features
from embtune.model.padded_attention import Rows


def mpnet_states(model: PreTrainedModel, features: Features, every_layer: bool) -> list[Tensor]:
    """(N, D) states of packed texts: the last layer's, or with `every_layer` the embeddings' and each layer's."""
    assert isinstance(model, MPNetModel), "MPNet's parts"
    assert features.offsets is not None, "packed features have bounds"
    assert features.position_ids is not None, "packed features have positions"
    embedded = model.embeddings(input_ids=features.input_ids[None], position_ids=features.position_ids[None])
    rows = Rows.of(features.offsets, len(features.input_ids), features.longest)
    bias_BHSS = _biases(model, rows)
    states = [embedded[0]]
    for layer in model.encoder.layer:
        assert isinstance(layer, MPNetLayer), "MPNet's layers"
        states.append(_layer(layer, states[-1], rows, bias_BHSS))
    return states if every_layer else states[-1:]


def _biases(model: MPNetModel, rows: Rows) -> Tensor:
    """(B, H, S, S) what is added to scores: the bias of the relative position, and minus infinity for padding."""
    shape_1S1 = torch.empty(1, rows.longest, 1, device=rows.slot_T.device)  # only its size is looked at
    bias_1HSS: Tensor = model.encoder.compute_position_bias(shape_1S1)  # type: ignore[no-untyped-call]
    return bias_1HSS.masked_fill(~rows.mask(-1, -1), float("-inf"))


def _layer(layer: MPNetLayer, hidden_ND: Tensor, rows: Rows, bias_BHSS: Tensor) -> Tensor:
    attention = layer.attention
    attended = attention.attn.o(_attended(attention.attn, hidden_ND, rows, bias_BHSS))
    hidden_ND = attention.LayerNorm(attention.dropout(attended) + hidden_ND)
    out: Tensor = layer.output(layer.intermediate(hidden_ND), hidden_ND)
    return out


def _attended(attention: MPNetSelfAttention, hidden_ND: Tensor, rows: Rows, bias_BHSS: Tensor) -> Tensor:
    heads = bias_BHSS.shape[1]
    q, k, v = (
        rows.spread(linear(hidden_ND).unflatten(1, (heads, -1))) for linear in (attention.q, attention.k, attention.v)
    )
    rate = attention.dropout.p if attention.training else 0.0
    out_BHSE = functional.scaled_dot_product_attention(q, k, v, bias_BHSS.to(q.dtype), dropout_p=rate)
    return rows.gather(out_BHSE).flatten(1)
